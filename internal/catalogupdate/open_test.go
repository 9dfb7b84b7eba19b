package catalogupdate_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ulikunitz/xz"

	"github.com/pare-iam/pare/catalog"
	"github.com/pare-iam/pare/internal/catalogupdate"
)

var archived = []catalog.File{
	{Path: "ref/a.json", Bytes: []byte(serviceFile("a", 2))},
	{Path: "ref/b.json", Bytes: []byte(serviceFile("b", 2))},
}

func tarOf(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := tar.NewWriter(&out)
	for _, file := range append([]catalog.File{{Path: "ref/LICENSE", Bytes: []byte("MIT")}}, archived...) {
		check(t, archive.WriteHeader(&tar.Header{Name: file.Path, Mode: 0o644, Size: int64(len(file.Bytes))}))
		_, err := archive.Write(file.Bytes)
		check(t, err)
	}
	check(t, archive.Close())
	return out.Bytes()
}

func zipOf(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, file := range archived {
		w, err := archive.Create(file.Path)
		check(t, err)
		_, err = w.Write(file.Bytes)
		check(t, err)
	}
	check(t, archive.Close())
	return out.Bytes()
}

// packed runs plain bytes through a writer that packs.
func packed(t *testing.T, plain []byte, packer func(io.Writer) (io.WriteCloser, error)) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := packer(&out)
	check(t, err)
	_, err = w.Write(plain)
	check(t, err)
	check(t, w.Close())
	return out.Bytes()
}

func gzipped(t *testing.T) []byte {
	return packed(t, tarOf(t), func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil })
}

func xzipped(t *testing.T) []byte {
	return packed(t, tarOf(t), func(w io.Writer) (io.WriteCloser, error) { return xz.NewWriter(w) })
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, name string, src []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	check(t, os.WriteFile(path, src, 0o644))
	return path
}

func TestOpenReadsEveryKindOfArchive(t *testing.T) {
	for name, src := range map[string][]byte{
		"ref.tar.xz": xzipped(t), "ref.txz": xzipped(t), "ref.tar.gz": gzipped(t), "REF.TGZ": gzipped(t), "ref.tar": tarOf(t), "ref.zip": zipOf(t),
	} {
		t.Run(name, func(t *testing.T) {
			files, err := catalogupdate.Open(t.Context(), write(t, name, src))
			check(t, err)
			if diff := cmp.Diff(archived, files); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestOpenReadsAFolder(t *testing.T) {
	folder := t.TempDir()
	check(t, os.Mkdir(filepath.Join(folder, "ref"), 0o755))
	for _, file := range archived {
		check(t, os.WriteFile(filepath.Join(folder, filepath.FromSlash(file.Path)), file.Bytes, 0o644))
	}
	files, err := catalogupdate.Open(t.Context(), folder)
	check(t, err)
	if diff := cmp.Diff(archived, files); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The last bytes of an archive are padding, or a directory that its reader needs first:
// so a cut is tried at every tenth of its length.
func TestOpenRefusesAnArchiveThatIsCutShort(t *testing.T) {
	for name, src := range map[string][]byte{"ref.tar.xz": xzipped(t), "ref.tar.gz": gzipped(t), "ref.zip": zipOf(t)} {
		t.Run(name, func(t *testing.T) {
			for tenth := range 10 {
				path := write(t, name, src[:len(src)*tenth/10])
				if files, err := catalogupdate.Open(t.Context(), path); err == nil {
					t.Errorf("%d tenths of it are %d files", tenth, len(files))
				}
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	damaged := gzipped(t)
	damaged[len(damaged)-6] ^= 1 // in the checksum
	for _, tt := range []struct{ name, path, want string }{
		{"a path that isn't there", filepath.Join(t.TempDir(), "gone.zip"), "no such file"},
		{"a name that isn't an archive's", write(t, "ref.rar", nil), "want a folder, or an archive named .tar.xz"},
		{"an archive of another kind than its name", write(t, "ref.zip", gzipped(t)), "ref.zip: zip: not a valid zip file"},
		{"an archive with a wrong checksum", write(t, "ref.tgz", damaged), "ref.tgz: gzip: invalid checksum"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := catalogupdate.Open(t.Context(), tt.path)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v\nwant    %s", err, tt.want)
			}
		})
	}
}

func TestOpenStopsWhenItsContextDoes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := catalogupdate.Open(ctx, write(t, "ref.tar", tarOf(t))); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
