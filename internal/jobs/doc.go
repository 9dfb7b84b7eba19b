// Package jobs does the server's work behind the requests: scans of accounts, recommendations,
// archive rules, cleaning. The work is queued in River's tables of the store's database, so
// that it outlives the process and several servers share it.
//
// In: what people ask for, what analyzers' schedules say, a Source of accounts' data. Out: runs
// and recommendations in the store.
//
// How a server that was killed is replaced. Each server says every Options.Beat, in the
// table pare_servers, that it is there. One that hasn't for four beats is taken for dead by
// the next that looks: its row goes, and the jobs it was at are available again. So they go
// on within 25 seconds by default, on another server or on the same one started again. A
// server that was only slow finds its row gone, stops what it was doing, and begins anew as
// one that has no jobs. The times are the database's: the servers' clocks don't matter.
//
// How nothing is done twice. A job may be begun twice, and what it does is fenced by the
// store: a scan first fails the runs that earlier attempts left behind, and CompleteRun
// takes no run that isn't running; FinishRecommendation takes a recommendation once. Of
// one analyzer and account one scan waits or runs at a time. A recommendation that is in
// progress and has no job, because somebody was killed between the two, gets one within
// Options.Look. Schedules are computed from the runs in the store: a restart neither forgets
// nor repeats one, and of several servers that find a scan due the queue takes one.
//
// How a server stops. Jobs have Options.Grace to end; those that haven't are interrupted, and
// are available to others at once, with no attempt counted.
//
// Limits: a server that is stopped for longer than four beats (a debugger, a laptop's lid) and
// goes on at the very moment that its jobs are handed over may end a job that another has
// just begun: the other's result counts, and if the other is killed too, a scan waits for
// its schedule. What a scan collected is on the server that collected it; another server
// that is asked for a recommendation collects for itself.
//
// Sources:
// https://docs.aws.amazon.com/access-analyzer/latest/APIReference/API_GetFindingRecommendation.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-findings.html
// https://riverqueue.com/docs
package jobs
