package awstest

import (
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/pare-iam/pare/policy"
)

// wireTime is how IAM writes a date; empty for none, which is left out.
func wireTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// list is a list as the query protocol writes it: one with nothing in it is written too.
type list[T any] struct {
	Members []T `xml:"member"`
}

type wireService struct {
	ServiceName                string
	ServiceNamespace           string
	LastAuthenticated          string `xml:",omitempty"`
	LastAuthenticatedEntity    string `xml:",omitempty"`
	LastAuthenticatedRegion    string `xml:",omitempty"`
	TotalAuthenticatedEntities int
	TrackedActions             *list[wireAction] `xml:"TrackedActionsLastAccessed"` // nil: left out
}

type wireAction struct {
	ActionName         string
	LastAccessedEntity string `xml:",omitempty"`
	LastAccessedTime   string `xml:",omitempty"`
	LastAccessedRegion string `xml:",omitempty"`
}

// wireServices is the list of a job that is done; nil before.
func (j *job) wireServices() []wireService {
	if j.done.IsZero() {
		return nil
	}
	var out []wireService
	for _, s := range j.facts {
		name := s.Name
		if name == "" {
			name = s.Namespace
		}
		wire := wireService{ServiceName: name, ServiceNamespace: s.Namespace}
		if !s.Used.At.IsZero() {
			wire.LastAuthenticated, wire.LastAuthenticatedRegion = wireTime(s.Used.At), s.Used.Region
			wire.LastAuthenticatedEntity, wire.TotalAuthenticatedEntities = j.who(s.Used), 1
			if j.actions {
				wire.TrackedActions = j.wireActions(s.Actions)
			}
		}
		out = append(out, wire)
	}
	return out
}

func (j *job) wireActions(actions []Action) *list[wireAction] {
	if len(actions) == 0 {
		return nil
	}
	var out list[wireAction]
	for _, a := range actions {
		wire := wireAction{ActionName: a.Name}
		if !a.Used.At.IsZero() {
			wire.LastAccessedTime, wire.LastAccessedRegion, wire.LastAccessedEntity = wireTime(a.Used.At), a.Used.Region, j.who(a.Used)
		}
		out.Members = append(out.Members, wire)
	}
	return &out
}

func (j *job) who(u Use) string {
	if u.Entity != "" {
		return u.Entity
	}
	return j.arn
}

// details answers GetServiceLastAccessedDetails.
func (s *Server) details(w http.ResponseWriter, call Call) {
	j := s.poll(w, call)
	if j == nil {
		return
	}
	services, marker, ok := page(w, call, s.options.Page, j.wireServices())
	if !ok {
		return
	}
	respond(w, call, struct {
		XMLName           xml.Name `xml:"GetServiceLastAccessedDetailsResult"`
		JobStatus         string
		JobType           string
		JobCreationDate   string
		Services          list[wireService] `xml:"ServicesLastAccessed"`
		JobCompletionDate string            `xml:",omitempty"`
		IsTruncated       bool
		Marker            string `xml:",omitempty"`
	}{
		JobStatus: j.status(), JobType: j.kind(), JobCreationDate: wireTime(j.created), JobCompletionDate: wireTime(j.done),
		Services: list[wireService]{services}, IsTruncated: marker != "", Marker: marker,
	})
}

type wireEntity struct {
	Info struct {
		ARN  string `xml:"Arn"`
		Name string
		Type string // USER or ROLE
		ID   string `xml:"Id"`
		Path string
	} `xml:"EntityInfo"`
	LastAuthenticated string `xml:",omitempty"`
}

// withEntities answers GetServiceLastAccessedDetailsWithEntities.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetServiceLastAccessedDetailsWithEntities.html
func (s *Server) withEntities(w http.ResponseWriter, call Call) {
	j := s.poll(w, call)
	if j == nil {
		return
	}
	var entities []Entity
	if s.options.Entities != nil && !j.done.IsZero() {
		entities = s.options.Entities(j.arn, call.Params.Get("ServiceNamespace"))
	}
	// The latest use comes first.
	entities = slices.SortedStableFunc(slices.Values(entities), func(a, b Entity) int { return b.At.Compare(a.At) })
	items, marker, ok := page(w, call, s.options.Page, wireEntities(entities))
	if !ok {
		return
	}
	respond(w, call, struct {
		XMLName           xml.Name `xml:"GetServiceLastAccessedDetailsWithEntitiesResult"`
		JobStatus         string
		JobCreationDate   string
		JobCompletionDate string           `xml:",omitempty"`
		Entities          list[wireEntity] `xml:"EntityDetailsList"`
		IsTruncated       bool
		Marker            string `xml:",omitempty"`
	}{
		JobStatus: j.status(), JobCreationDate: wireTime(j.created), JobCompletionDate: wireTime(j.done),
		Entities: list[wireEntity]{items}, IsTruncated: marker != "", Marker: marker,
	})
}

func wireEntities(entities []Entity) []wireEntity {
	var out []wireEntity
	for _, e := range entities {
		wire := wireEntity{LastAuthenticated: wireTime(e.At)}
		wire.Info.ARN, wire.Info.ID = e.ARN, e.ID
		if arn, err := policy.ParseARN(e.ARN); err == nil {
			wire.Info.Name, wire.Info.Type = arn.Name(), strings.ToUpper(arn.Type())
			wire.Info.Path = "/" + strings.TrimSuffix(arn.ID(), arn.Name())
		}
		out = append(out, wire)
	}
	return out
}
