package catalog_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pare-iam/pare/catalog"
)

func TestReadNames(t *testing.T) {
	c, err := catalog.Read("names.json", []byte(`{
 "date": "2024-06-16",
 "note": "other fields are ignored",
 "services": {"S3": ["PutObject", "GetObject", "getobject"], "cloudsearch": ["search"], "empty": []}
}`))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("sorts, folds the case of services and keeps the casing of actions", func(t *testing.T) {
		var got []string
		for id := range c.Len() {
			got = append(got, c.Action(id).String())
		}
		if diff := cmp.Diff([]string{"cloudsearch:search", "s3:GetObject", "s3:PutObject"}, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("says nothing that the names don't", func(t *testing.T) {
		a := c.Lookup("s3", "GetObject")
		if !c.NamesOnly() || c.FactsDate() != "" || a.Level != catalog.LevelUnknown || a.Tracked != 0 {
			t.Errorf("names only %t, facts of %q, %s %s", c.NamesOnly(), c.FactsDate(), a.Level, a.Tracked)
		}
		if diff := cmp.Diff(catalog.ActionDetails{}, a.Details()); diff != "" {
			t.Errorf("details -want +got:\n%s", diff)
		}
	})
	t.Run("keeps a service without actions", func(t *testing.T) {
		if s := c.Service("empty"); s == nil || len(s.Actions) != 0 {
			t.Errorf("service empty: %+v", s)
		}
	})
	t.Run("warns of a name given twice", func(t *testing.T) {
		want := []string{"names.json: action s3:GetObject is given twice (getobject); the first is kept"}
		if diff := cmp.Diff(want, c.Warnings()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
	t.Run("is dated and says where it is from", func(t *testing.T) {
		if c.Date() != "2024-06-16" || c.Source() != "names.json" {
			t.Errorf("date %q, source %q", c.Date(), c.Source())
		}
	})
}

func TestReadRefuses(t *testing.T) {
	for _, tt := range []struct{ name, src, want string }{
		{"nothing", "", "names.json: empty"},
		{"white space", " \n", "names.json: empty"},
		{"something else", "s3:GetObject", "names.json: not a catalog"},
		{"a list of names", `["s3:GetObject"]`, "names.json: not a catalog"},
		{"no services", `{"date":"2024-06-16"}`, "names.json: no services: want {"},
		{"empty services", `{"date":"2024-06-16","services":{}}`, "no services"},
		{"null services", `{"date":"2024-06-16","services":null}`, "no services"},
		{"no date", `{"services":{"s3":["GetObject"]}}`, `names.json: no date: add "date"`},
		{"a date of another form, with the place", "{\n \"date\": \"16 June\",\"services\":{\"s3\":[]}}", "names.json:2:10: date \"16 June\": want YYYY-MM-DD"},
		{"a date that doesn't exist", `{"date":"2024-02-30","services":{"s3":[]}}`, "want YYYY-MM-DD"},
		{"a date that is a number", `{"date": 20240616,"services":{}}`, "names.json:1:10: /date: found a number, want a string"},
		{"services that are a list", "{\"date\":\"2024-06-16\",\n\"services\":[]}", "names.json:2:12: /services: found an array, want an object"},
		{"a service that is a string", `{"date":"2024-06-16","services":{"s3":"GetObject"}}`, "/services/s3: found a string, want an array"},
		{"an action that is a number", "{\"date\":\"2024-06-16\",\"services\":{\"s3\":[\n\"GetObject\",\n 7]}}", "names.json:3:2: /services/s3/1: found a number, want a string"},
		{"an action that is null", `{"date":"2024-06-16","services":{"s3":[null]}}`, "found null, want a string"},
		{"a pattern among the names, with the place", "{\"date\":\"2024-06-16\",\"services\":{\"s3\":[\n  \"Get*\"]}}", "names.json:2:3: action \"Get*\" of s3"},
		{"a name with its service", `{"date":"2024-06-16","services":{"s3":["s3:GetObject"]}}`, `action "s3:GetObject" of s3`},
		{"a service that IAM can't hold", `{"date":"2024-06-16","services":{"s 3":["GetObject"]}}`, `service "s 3": want a prefix such as s3`},
		{"a service written twice in two casings", `{"date":"2024-06-16","services":{"s3":["A"],"S3":["B"]}}`, `service "s3" is given twice`},
		{"a service written twice", `{"date":"2024-06-16","services":{"s3":["A"],"s3":["B"]}}`, "names.json:1:"},
		{"a file that is cut short", "{\"date\":\"2024-06-16\",\n\"services\":{\"s3\":[\"Get", "names.json:2:"},
		{"more after the end", `{"date":"2024-06-16","services":{"s3":["A"]}} x`, "names.json:1:"},
		{"one file of AWS's", `{"Name":"s3","Version":"v1.4","Actions":[]}`, "names.json: one AWS Service Reference file: want the folder"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := catalog.Read("names.json", []byte(tt.src))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v\nwant    %s", err, tt.want)
			}
		})
	}
}
