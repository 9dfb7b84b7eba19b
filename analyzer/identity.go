package analyzer

import (
	"crypto/sha256"
	"fmt"
	"strconv"

	"github.com/pare-iam/pare/finding"
)

// identify gives a finding its ID: the hash of account, resource, type and key, in the
// form of a UUID of version 8. A role that is deleted and made anew has another unique
// ID, so its findings have other IDs.
// https://www.rfc-editor.org/rfc/rfc9562.html#name-uuid-version-8
func identify(f *finding.Finding) {
	h := sha256.New()
	for _, part := range []string{f.Account, f.Resource, f.ResourceID, string(f.Type), f.AccessKeyID, strconv.Itoa(f.KeySlot)} {
		fmt.Fprintf(h, "%d:%s", len(part), part) // a hash takes every write
	}
	id := h.Sum(nil)[:16]
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	f.ID = fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
