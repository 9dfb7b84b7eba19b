package serve

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/sigv4"
	"github.com/pare-iam/pare/internal/store"
	"github.com/pare-iam/pare/internal/wire"
)

// accessKeys are the store's, for verifying signatures. All speak for the server's account.
type accessKeys struct {
	store   *store.Store
	account string
}

// Key implements sigv4.Keys.
func (k accessKeys) Key(ctx context.Context, id string) (string, sigv4.Identity, error) {
	secret, who, err := k.store.Key(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return "", sigv4.Identity{}, sigv4.ErrUnknownKey
	}
	return secret, sigv4.Identity{Account: k.account, Name: who.Name, Role: string(who.Role)}, err
}

// needed is the least role that may do what an operation does. Reading is for all, triage
// for reviewers, rules, tags and the making of recommendations for operators, analyzers for
// admins.
func needed(o wire.Operation) store.UserRole {
	switch o.Name {
	case "UpdateFindings":
		return store.Reviewer
	case "ApplyArchiveRule", "CreateArchiveRule", "UpdateArchiveRule", "DeleteArchiveRule",
		"GenerateFindingRecommendation", "GenerateRecommendedPolicyV2", "TagResource", "UntagResource":
		return store.Operator
	}
	if o.Changes {
		return store.Admin
	}
	return store.Viewer
}

// allowed says whether who signed a request may do what it asks for.
func allowed(who sigv4.Identity, o wire.Operation) bool {
	return login.Identity{Name: who.Name, Role: store.UserRole(who.Role)}.May(needed(o))
}

// derived is a key for one purpose, made from the server's: the same on all servers that
// have the same key file.
func derived(key []byte, purpose string) ([]byte, error) {
	const length = 32
	out, err := hkdf.Key(sha256.New, key, nil, "pare "+purpose, length)
	if err != nil {
		return nil, fmt.Errorf("key for %s: %w", purpose, err)
	}
	return out, nil
}

// NewAccessKey makes an access key in AWS's shape: an ID of 20 characters that begins with
// AKIA, and a secret of 40.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
func NewAccessKey(user string) (store.AccessKey, string) {
	var id [10]byte
	var secret [30]byte
	rand.Read(id[:]) // never fails
	rand.Read(secret[:])
	return store.AccessKey{ID: "AKIA" + base32.StdEncoding.EncodeToString(id[:]), User: user}, base64.StdEncoding.EncodeToString(secret[:])
}
