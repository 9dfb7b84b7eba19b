// Package awstest is an AWS to test against, on this machine: the real moto_server, and in
// front of it a small HTTP server that answers what moto lacks, in AWS's wire format, and
// hands all else to moto. Every call that passes is recorded.
//
// Faults stand before both: they deny, throttle, delay, cut connections and fail by a seed.
//
// In: what IAM's last accessed information and CloudTrail's history shall say, and how far
// back the clock begins.
// Out: a URL for the AWS CLI or an SDK, the recorded calls, and Set-up calls that go past
// the record. The parts that it starts are looked for, never installed: `make deps` does
// that.
//
// Limits: signatures aren't checked. moto answers GetAccountAuthorizationDetails in one page,
// dates its credential report in 2015, has no line for the root user and no last use of a
// password. There is one clock for the whole server, and the front's answers follow it.
//
// https://docs.getmoto.org/en/latest/docs/server_mode.html
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLastAccessedDetails.html
package awstest
