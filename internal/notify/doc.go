// Package notify tells others that a finding changed: EventBridge, Security Hub, a file of
// OCSF events, a webhook.
//
// In: [Change], one step in the life of a finding, from an [Outbox], which keeps for each
// sink up to where it was told. Out: calls and bytes to each [Sink], and a [Report] of every
// attempt.
//
// A [Dispatcher] tells every change at least once, and the changes of one finding in their
// order. Each sink has its own position and its own pace, so that one that is slow or broken
// holds back no other. A change may arrive twice, after a crash or a lost answer: [Change.Key]
// is the same each time, and goes along. What the other side says it will never take is
// reported and left behind; all else is tried again, at growing intervals.
//
// Limits: a sink tries once, the Dispatcher does the waiting. HTTP proxies of the environment
// aren't used, since the check of addresses would stop at them. Where AWS or OCSF has a limit
// on a text, it is cut and ends in "…".
//
// Sources: the shapes follow
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-eventbridge.html,
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-securityhub-integration.html
// and https://schema.ocsf.io/1.8.0/classes/iam_analysis_finding
package notify
