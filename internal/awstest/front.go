package awstest

import (
	"bytes"
	"encoding/xml"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// ServeHTTP records the call and answers it, or lets moto answer.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	call, err := readCall(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.calls = append(s.calls, call)
	fault := s.fault
	s.mu.Unlock()
	if fault != nil && fault(w, call) {
		return
	}
	if call.Service == "cloudtrail" && call.Operation == "LookupEvents" {
		s.lookupEvents(w, r)
		return
	}
	if answer := s.own(call); answer != nil {
		answer(w, call)
		return
	}
	s.proxy.ServeHTTP(w, r)
}

// own is what answers a call here; nil: it is moto's.
func (s *Server) own(call Call) func(http.ResponseWriter, Call) {
	switch call.Service + ":" + call.Operation {
	case "iam:GenerateServiceLastAccessedDetails":
		return s.generate
	case "iam:GetServiceLastAccessedDetails":
		return s.details
	case "iam:GetServiceLastAccessedDetailsWithEntities":
		return s.withEntities
	default:
		return nil
	}
}

// readCall reads what is called, and leaves the request as it was.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func readCall(r *http.Request) (Call, error) {
	key, service := signedBy(r.Header.Get("Authorization"))
	call := Call{Service: service, Account: accountOf(key), Operation: r.Method + " " + r.URL.Path}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		call.Operation = target[strings.LastIndex(target, ".")+1:]
		return call, nil
	}
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return call, nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return call, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	params, err := url.ParseQuery(string(body))
	if err != nil {
		return call, err
	}
	if action := params.Get("Action"); action != "" {
		call.Operation, call.Params = action, params
	}
	return call, nil
}

// signedBy is the access key and the service of a signature's scope,
// Credential=KEY/DATE/REGION/SERVICE/aws4_request; empty if there is none.
func signedBy(authorization string) (key, service string) {
	_, scope, _ := strings.Cut(authorization, "Credential=")
	scope, _, _ = strings.Cut(scope, ",")
	parts := strings.Split(scope, "/")
	if len(parts) < 2 {
		return "", ""
	}
	return parts[0], parts[len(parts)-2]
}

const namespace = "https://iam.amazonaws.com/doc/2010-05-08/"

// requestID is the ID of every request.
const requestID = "00000000-0000-4000-8000-000000000000"

// respond writes the result of an operation in AWS's query protocol.
func respond(w http.ResponseWriter, call Call, result any) {
	type metadata struct{ RequestID string }
	writeXML(w, http.StatusOK, struct {
		XMLName  xml.Name
		Result   any
		Metadata metadata `xml:"ResponseMetadata"`
	}{xml.Name{Space: namespace, Local: call.Operation + "Response"}, result, metadata{requestID}})
}

// fail writes an error in AWS's query protocol.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
func fail(w http.ResponseWriter, status int, code, message string) {
	type detail struct{ Type, Code, Message string }
	writeXML(w, status, struct {
		XMLName   xml.Name
		Error     detail
		RequestID string `xml:"RequestId"`
	}{xml.Name{Space: namespace, Local: "ErrorResponse"}, detail{"Sender", code, message}, requestID})
}

func writeXML(w http.ResponseWriter, status int, document any) {
	src, err := xml.MarshalIndent(document, "", "  ")
	if err != nil {
		panic(err) // the types are ours
	}
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(status)
	_, _ = w.Write(src) // nobody is left to tell
}
