// Package apply changes an account's IAM by a plan, and takes the changes back. It is the
// only code of pare that writes to AWS.
//
// In: findings and recommendations of an analysis; later the plan, and IAM's API. Out: a
// [Plan], which says for each action what it expects to find and what it leaves; then a
// journal, from which an interrupted run is finished or taken back.
//
// Planning is pure. An action brings one [Target] from one [Value] to another, and nearly
// always takes one call. Which call comes next follows from three values alone, the one
// before, the one wanted and the one that is there, so that a run that was interrupted
// anywhere, a second run, and the way back are all the same step:
//
//	wanted is there     arrived
//	before is there     the call that leads from before to wanted
//	anything else       somebody else changed it: a [Conflict], and nothing is touched
//
// Before each call a line with the value before is on disk and synced, after it another.
// What is given is given before what it replaces is taken away, and time lies between, since
// AWS doesn't say in which order others see the two.
//
// Before a step begins it is also asked what happened since the evidence was collected: who
// got a policy or joined a group and wasn't judged, a policy that says something else now, an
// unused role, key or password that was used.
//
// Limits. AWS gives ids and dates, which don't come back: a policy version that was deleted
// and restored has a new id, as a role has that was deleted. Deleted access keys and
// passwords don't come back at all, so that they are deleted only when that is asked for.
// Another computer is not locked out; the check of each value right before the call is what
// is left against it.
//
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_general.html#troubleshoot_general_eventual-consistency
package apply
