package awstest

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Service is a service in a job's answer.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ServiceLastAccessed.html
type Service struct {
	Namespace string // "s3"
	Name      string // "Amazon S3"; empty: Namespace
	Used      Use    // the last attempt

	// Actions are the tracked actions, which the answer has if the job asked for them and
	// the service was used.
	Actions []Action
}

// Action is a tracked action of a service.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_TrackedActionLastAccessed.html
type Action struct {
	Name string // "GetBucketAcl"
	Used Use
}

// Use is the last attempt at something. The zero value is none.
type Use struct {
	At     time.Time
	Region string // "us-east-1"
	Entity string // ARN of who did it; empty: the entity that the job is about
}

// Entity is a role or user that used a service.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_EntityDetails.html
type Entity struct {
	ARN, ID string
	At      time.Time // the last attempt; zero: none
}

// job is a report that was asked for.
type job struct {
	arn     string
	actions bool // at the action level
	polls   int  // how often it still answers that it isn't done
	created time.Time
	done    time.Time
	facts   []Service
}

// generate answers GenerateServiceLastAccessedDetails.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GenerateServiceLastAccessedDetails.html
func (s *Server) generate(w http.ResponseWriter, call Call) {
	arn, level := call.Params.Get("Arn"), call.Params.Get("Granularity")
	if level != "" && level != "SERVICE_LEVEL" && level != "ACTION_LEVEL" {
		fail(w, http.StatusBadRequest, "ValidationError", "Granularity: want SERVICE_LEVEL or ACTION_LEVEL")
		return
	}
	var facts []Service
	known := false
	if s.options.LastAccessed != nil {
		facts, known = s.options.LastAccessed(arn)
	}
	if !known {
		fail(w, http.StatusNotFound, "NoSuchEntity", "no entity "+arn)
		return
	}
	facts = slices.SortedFunc(slices.Values(facts), func(a, b Service) int { return strings.Compare(a.Namespace, b.Namespace) })
	j := &job{arn: arn, actions: level == "ACTION_LEVEL", created: s.Now(), facts: facts}
	if s.options.Polls != nil {
		j.polls = s.options.Polls(arn)
	}
	s.mu.Lock()
	id := fmt.Sprintf("00000000-0000-4000-8000-%012d", len(s.jobs)+1)
	s.jobs[id] = j
	s.mu.Unlock()
	respond(w, call, struct {
		XMLName xml.Name `xml:"GenerateServiceLastAccessedDetailsResult"`
		JobID   string   `xml:"JobId"`
	}{JobID: id})
}

// poll is the job that a call asks for, at the state that it has now; nil if the call is
// refused, and answered.
func (s *Server) poll(w http.ResponseWriter, call Call) *job {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[call.Params.Get("JobId")]
	if j == nil {
		fail(w, http.StatusNotFound, "NoSuchEntity", "no job "+call.Params.Get("JobId"))
		return nil
	}
	if j.polls == 0 && j.done.IsZero() {
		j.done = now
	}
	j.polls = max(0, j.polls-1)
	state := *j
	return &state
}

func (j *job) status() string {
	if j.done.IsZero() {
		return "IN_PROGRESS"
	}
	return "COMPLETED"
}

func (j *job) kind() string {
	if j.actions {
		return "ACTION_LEVEL"
	}
	return "SERVICE_LEVEL"
}

// page cuts out the items that a call asks for, from its Marker on. The marker of the next
// page is empty on the last. A call that asks for none is refused, and answered.
func page[T any](w http.ResponseWriter, call Call, most int, all []T) (items []T, marker string, ok bool) {
	number := func(name string, otherwise, least, most int) int {
		text := call.Params.Get(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < least || n > most {
			fail(w, http.StatusBadRequest, "ValidationError", name+": want a number from "+strconv.Itoa(least)+" to "+strconv.Itoa(most))
			return -1
		}
		return n
	}
	size := number("MaxItems", 100, 1, 1000)
	if size < 0 {
		return nil, "", false
	}
	from := number("Marker", 0, 0, len(all))
	if from < 0 {
		return nil, "", false
	}
	if most > 0 {
		size = min(size, most)
	}
	rest := all[from:]
	if len(rest) <= size {
		return rest, "", true
	}
	return rest[:size], strconv.Itoa(from + size), true
}
