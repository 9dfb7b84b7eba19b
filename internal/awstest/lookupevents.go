package awstest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// lookup is a request of LookupEvents.
type lookup struct {
	StartTime, EndTime float64 // seconds from 1970; 0: none
	MaxResults         int
	NextToken          string
	LookupAttributes   []struct{ AttributeKey, AttributeValue string }
}

// wireEvent is an event in its answer.
type wireEvent struct {
	EventID         string `json:"EventId"`
	EventName       string
	ReadOnly        string
	EventTime       float64
	EventSource     string
	CloudTrailEvent string
}

// SetEvents sets which records LookupEvents knows in a Region, as CloudTrail has them. Calls
// of the function may be concurrent.
func (s *Server) SetEvents(events func(region string) []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = events
}

// lookupEvents answers LookupEvents: the newest first, by the start, the end and one
// attribute. The token is the number of the page's first event.
// https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html
func (s *Server) lookupEvents(w http.ResponseWriter, r *http.Request) {
	var q lookup
	if err := json.UnmarshalRead(r.Body, &q); err != nil {
		failJSON(w, "SerializationException", err.Error())
		return
	}
	if len(q.LookupAttributes) > 1 {
		failJSON(w, "InvalidLookupAttributesException", "one attribute at most")
		return
	}
	s.mu.Lock()
	events := s.events
	s.mu.Unlock()
	var found []wireEvent
	if events != nil {
		for _, text := range events(regionOf(r.Header.Get("Authorization"))) {
			if e, ok := q.event(text); ok {
				found = append(found, e)
			}
		}
	}
	slices.SortStableFunc(found, func(a, b wireEvent) int { return int(b.EventTime - a.EventTime) })
	size := q.MaxResults
	if size < 1 || size > 50 {
		size = 50
	}
	if s.options.Page > 0 {
		size = min(size, s.options.Page)
	}
	from, err := strconv.Atoi("0" + q.NextToken)
	if err != nil || from > len(found) {
		failJSON(w, "InvalidNextTokenException", q.NextToken)
		return
	}
	answer := map[string]any{"Events": found[from:min(from+size, len(found))]}
	if from+size < len(found) {
		answer["NextToken"] = strconv.Itoa(from + size)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_ = json.MarshalWrite(w, answer) // nobody is left to tell
}

// event is a record as an event, if it is asked for.
func (q *lookup) event(text string) (wireEvent, bool) {
	var record struct {
		ID       string    `json:"eventID"`
		Time     time.Time `json:"eventTime"`
		Name     string    `json:"eventName"`
		Source   string    `json:"eventSource"`
		ReadOnly bool      `json:"readOnly"`
	}
	if err := json.Unmarshal([]byte(text), &record); err != nil {
		return wireEvent{}, false
	}
	e := wireEvent{record.ID, record.Name, strconv.FormatBool(record.ReadOnly), float64(record.Time.Unix()), record.Source, text}
	if e.EventTime < q.StartTime || q.EndTime > 0 && e.EventTime > q.EndTime {
		return e, false
	}
	for _, a := range q.LookupAttributes {
		value := map[string]string{"EventId": e.EventID, "EventName": e.EventName, "ReadOnly": e.ReadOnly, "EventSource": e.EventSource}
		if value[a.AttributeKey] != a.AttributeValue {
			return e, false
		}
	}
	return e, true
}

// failJSON writes an error in AWS's JSON protocol.
func failJSON(w http.ResponseWriter, code, message string) {
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.WriteHeader(http.StatusBadRequest)
	_ = json.MarshalWrite(w, map[string]string{"__type": code, "message": message}) // nobody is left to tell
}

// regionOf is the Region of a signature's scope.
func regionOf(authorization string) string {
	_, scope, _ := strings.Cut(authorization, "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(scope, "/")
	if len(parts) < 3 {
		return ""
	}
	return parts[len(parts)-3]
}
