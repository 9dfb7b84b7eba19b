// Package catalog says which services, actions, resource types, condition keys
// and operations AWS publishes, as of a date.
//
// In: nothing (the built-in snapshot), a pare snapshot, a folder of AWS Service
// Reference files, or a list of names. Out: an immutable [Catalog] whose actions
// carry dense ids, so that a set of actions can be a bit set.
//
// Names compare without regard to case, as IAM compares them; what is printed has
// AWS's casing. A name is never invented: an action the catalog doesn't hold is
// unknown, which is not the same as unused. A fact nobody stated is the zero value
// and the safe one: [LevelUnknown], untracked.
//
// # Two dates
//
// [Catalog.Date] is the day up to which action names are known.
// [Catalog.FactsDate] is the day of the newest source that states what only AWS's
// own files state, which is tracking and operations. In the built-in snapshot the
// second is older: an action that appeared between the two is known by name, level,
// resource types and condition keys, is untracked, and no operation leads to it.
//
// # Limits
//
// The names of SDK methods and the prose descriptions are left out. Operations that
// AWS doesn't map, and the permissions a service uses on the caller's behalf, aren't
// in its files and so not here. Global condition keys (aws:…) are listed for the
// services whose files list them.
//
// Source: https://docs.aws.amazon.com/service-authorization/latest/reference/service-reference.html
package catalog
