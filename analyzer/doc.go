// Package analyzer finds unused access in an account's IAM and recommends what to do
// about it.
//
// In: an inventory, evidence of use principal by principal, a catalog, a window. Out:
// findings in the order of the principals' ARNs; a summary of what was not judged and
// why; and for each principal with unused permissions a recommendation, every step of it
// proved. Nothing is read or changed, and the same input gives the same output with any
// number of workers.
//
// What counts as unused follows AWS: unused for as many days as the window has, or more;
// and only what existed for the whole window is judged.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings.html
//
// Limits. An inline policy has no date, so its permissions count as old as their
// principal; when somebody joined a group, or a policy was attached, isn't known either.
package analyzer
