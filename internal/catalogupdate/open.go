package catalogupdate

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/ulikunitz/xz"

	"github.com/pare-iam/pare/catalog"
)

// maxFile and maxTotal bound what an archive may unpack to: the largest file of the
// reference, ec2.json, has below 2 MB, all of them about 15 MB.
const (
	maxFile  = 32 << 20
	maxTotal = 256 << 20
)

// Open reads the .json files of a folder or of an archive: .tar.xz, .tar.gz, .tgz,
// .tar or .zip. An archive that ends early is an error.
func Open(ctx context.Context, name string) ([]catalog.File, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return readFS(ctx, os.DirFS(name))
	}
	files, err := openArchive(ctx, name)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: the archive is cut short; fetch it again", err)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return files, nil
}

func openArchive(ctx context.Context, name string) (files []catalog.File, err error) {
	if strings.EqualFold(filepath.Ext(name), ".zip") {
		archive, err := zip.OpenReader(name)
		if err != nil {
			return nil, err
		}
		files, err := readFS(ctx, archive)
		return files, errors.Join(err, archive.Close())
	}
	unpack, known := unpacker(name)
	if !known {
		return nil, errors.New("want a folder, or an archive named .tar.xz, .tar.gz, .tgz, .tar or .zip")
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	plain, err := unpack(file)
	if err == nil {
		files, err = readTar(ctx, plain)
	}
	return files, errors.Join(err, file.Close())
}

func unpacker(name string) (func(io.Reader) (io.Reader, error), bool) {
	switch lower := strings.ToLower(name); {
	case strings.HasSuffix(lower, ".tar.xz"), strings.HasSuffix(lower, ".txz"):
		return func(r io.Reader) (io.Reader, error) { return xz.NewReader(r) }, true
	case strings.HasSuffix(lower, ".tar.gz"), strings.HasSuffix(lower, ".tgz"):
		return func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) }, true
	case strings.HasSuffix(lower, ".tar"):
		return func(r io.Reader) (io.Reader, error) { return r, nil }, true
	default:
		return nil, false
	}
}

func readTar(ctx context.Context, plain io.Reader) ([]catalog.File, error) {
	var files []catalog.File
	for archive := tar.NewReader(plain); ; {
		entry, err := archive.Next()
		if err == io.EOF {
			return files, drain(plain)
		}
		if err != nil {
			return nil, err
		}
		if entry.Typeflag != tar.TypeReg || path.Ext(entry.Name) != ".json" {
			continue
		}
		if files, err = add(ctx, files, entry.Name, archive); err != nil {
			return nil, err
		}
	}
}

// drain reads what follows the end of a tar, so that a wrong checksum of the packed
// stream is noticed.
func drain(plain io.Reader) error {
	_, err := io.Copy(io.Discard, io.LimitReader(plain, maxFile))
	return err
}

func readFS(ctx context.Context, fsys fs.FS) ([]catalog.File, error) {
	var files []catalog.File
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".json" {
			return err
		}
		file, err := fsys.Open(name)
		if err != nil {
			return err
		}
		files, err = add(ctx, files, name, file)
		return errors.Join(err, file.Close())
	})
	return files, err
}

func add(ctx context.Context, files []catalog.File, name string, r io.Reader) ([]catalog.File, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	total := 0
	for _, file := range files {
		total += len(file.Bytes)
	}
	if total > maxTotal {
		return nil, fmt.Errorf("over %d bytes of files: not a copy of the AWS Service Reference", maxTotal)
	}
	src, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(src) > maxFile {
		return nil, fmt.Errorf("%s: over %d bytes: not a file of the AWS Service Reference", name, maxFile)
	}
	return append(files, catalog.File{Path: name, Bytes: src}), nil
}
