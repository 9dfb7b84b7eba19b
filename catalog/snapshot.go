package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
)

// A pare snapshot is, in this order:
//
//	"parecat" 1          8 bytes: what it is, and the major version of this layout
//	length               8 bytes, little-endian: of everything after the digest
//	digest               32 bytes: SHA-256 of everything after it
//	header               date, facts date (texts), names only (0 or 1), and for the core
//	                     and the details their plain and their packed length
//	core                 packed; see core.go: what every command needs
//	details              packed; see detailscodec.go: unpacked at the first use
//
// Numbers are unsigned varints, texts are a length and bytes, packed is one zstd frame.
// The layout has no room for order or padding: one catalog has one snapshot.
const (
	magic      = "parecat\x01"
	prefixSize = len(magic) + 8 + sha256.Size
	// maxPlain bounds what a section may unpack to; the sections of 22,000 actions
	// are below 3 MB.
	maxPlain = 16 << 20
)

type header struct {
	date, factsDate string
	namesOnly       bool
	core, details   sectionSize
}

type sectionSize struct{ plain, packed int }

// Write writes the catalog as a pare snapshot. The same facts give the same bytes.
// What [Catalog.Source] and [Catalog.Warnings] say isn't written.
func Write(w io.Writer, c *Catalog) error {
	details, sizes := encodeDetails(c)
	core := encodeCore(c, sizes)
	if len(core) > maxPlain || len(details) > maxPlain {
		return fmt.Errorf("catalog of %d actions: too large for a snapshot", c.Len())
	}
	packer, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false))
	if err != nil {
		return err
	}
	packedCore, packedDetails := packer.EncodeAll(core, nil), packer.EncodeAll(details, nil)
	if err := packer.Close(); err != nil {
		return err
	}
	body := header{
		date: c.date, factsDate: c.factsDate, namesOnly: c.namesOnly,
		core:    sectionSize{len(core), len(packedCore)},
		details: sectionSize{len(details), len(packedDetails)},
	}.encode()
	body = append(append(body, packedCore...), packedDetails...)
	digest := sha256.Sum256(body)
	out := binary.LittleEndian.AppendUint64([]byte(magic), uint64(len(body)))
	_, err = w.Write(append(append(out, digest[:]...), body...))
	return err
}

func (h header) encode() []byte {
	b := appendText(appendText(nil, h.date), h.factsDate)
	namesOnly := byte(0)
	if h.namesOnly {
		namesOnly = 1
	}
	b = append(b, namesOnly)
	for _, n := range []int{h.core.plain, h.core.packed, h.details.plain, h.details.packed} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	return b
}

// readSnapshot checks the frame of a snapshot and decodes all of it, so that nothing
// can fail later.
func readSnapshot(name string, src []byte) (*Catalog, error) {
	if err := checkFrame(src); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	c, err := decodeSnapshot(src[prefixSize:])
	if err != nil {
		return nil, fmt.Errorf("%s: damaged although its digest is right: %w; write it again with: pare catalog update", name, err)
	}
	for _, s := range c.services {
		if err := s.Details().err; err != nil {
			return nil, fmt.Errorf("%s: damaged although its digest is right: details of %s: %w; write it again with: pare catalog update", name, s.Prefix, err)
		}
	}
	c.source = name
	return c, nil
}

func checkFrame(src []byte) error {
	if !bytes.HasPrefix(src, []byte(magic)) {
		if bytes.HasPrefix(src, []byte(magic[:len(magic)-1])) && len(src) >= len(magic) {
			return fmt.Errorf("a snapshot of layout %d; this pare reads layout %d: update pare, or write the snapshot again with: pare catalog update", src[len(magic)-1], magic[len(magic)-1])
		}
		return errors.New("truncated: it ends inside the first bytes of a pare snapshot")
	}
	if len(src) < prefixSize {
		return fmt.Errorf("truncated: %d bytes, want at least %d", len(src), prefixSize)
	}
	want := binary.LittleEndian.Uint64(src[len(magic):])
	got := uint64(len(src) - prefixSize)
	switch {
	case got < want:
		return fmt.Errorf("truncated: %d bytes, want %d; fetch it again, or write it again with: pare catalog update", len(src), want+uint64(prefixSize))
	case got > want:
		return fmt.Errorf("%d bytes after its end; fetch it again, or write it again with: pare catalog update", got-want)
	}
	if digest := sha256.Sum256(src[prefixSize:]); !bytes.Equal(digest[:], src[len(magic)+8:prefixSize]) {
		return errors.New("damaged: its SHA-256 isn't the one it carries; fetch it again, or write it again with: pare catalog update")
	}
	return nil
}

// decodeSnapshot decodes header and core, and leaves the details for later.
func decodeSnapshot(body []byte) (*Catalog, error) {
	h, size, err := decodeHeader(body)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	packed := body[size:]
	core, err := unpack(packed[:h.core.packed], h.core.plain)
	if err != nil {
		return nil, fmt.Errorf("core: %w", err)
	}
	c, sizes, err := decodeCore(core)
	if err != nil {
		return nil, fmt.Errorf("core: %w", err)
	}
	c.date, c.factsDate, c.namesOnly = h.date, h.factsDate, h.namesOnly
	attachDetails(c, packed[h.core.packed:], h.details.plain, sizes)
	return c, nil
}

// decodeHeader returns the header and its length.
func decodeHeader(body []byte) (header, int, error) {
	// The header is short; the limit keeps the conversion from copying the sections.
	in := cursor{rest: string(body[:min(len(body), 128)])}
	start := len(in.rest)
	h := header{date: in.text(), factsDate: in.text()}
	h.namesOnly = in.index(2) == 1
	h.core = sectionSize{in.index(maxPlain), in.index(maxPlain)}
	h.details = sectionSize{in.index(maxPlain), in.index(maxPlain)}
	size := start - len(in.rest)
	if err := in.err(); err != nil {
		return header{}, 0, err
	}
	for _, date := range []string{h.date, h.factsDate} {
		if date == "" {
			continue
		}
		if err := checkDate(date); err != nil {
			return header{}, 0, err
		}
	}
	if size+h.core.packed+h.details.packed != len(body) {
		return header{}, 0, errMalformed
	}
	return h, size, nil
}

func unpack(packed []byte, plain int) (string, error) {
	unpacker, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(maxPlain))
	if err != nil {
		return "", err
	}
	defer unpacker.Close()
	out, err := unpacker.DecodeAll(packed, make([]byte, 0, plain))
	if err != nil {
		return "", err
	}
	if len(out) != plain {
		return "", errMalformed
	}
	return string(out), nil
}
