package samplegen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// newest is the last event of those habits of a principal that count.
func (w *World) newest(p *principal, counts func(*habit) bool) (last event, ok bool) {
	for _, h := range p.habits {
		if !counts(h) || h.call.kind != "AwsApiCall" && p.role {
			continue
		}
		if e, found := w.last(h); found && (!ok || e.at.After(last.at)) {
			last, ok = e, true
		}
	}
	return last, ok
}

// byKey says whether a habit signs with the key of a slot, 1 or 2. A federated session
// was begun with the first.
func byKey(slot int) func(*habit) bool {
	return func(h *habit) bool { return h.by == "key"+strconv.Itoa(slot) }
}

func isLogin(h *habit) bool { return h.call.event == "ConsoleLogin" }

const reportColumns = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active," +
	"access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service," +
	"access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service," +
	"cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated"

// printCredentialReport prints credential-report.csv, as aws iam get-credential-report
// decodes to.
func (w *World) printCredentialReport(out *printer) {
	out.text(reportColumns)
	for _, p := range slices.Concat([]*principal{w.root}, w.users) {
		out.text("\n" + strings.Join(w.reportRow(p), ","))
	}
}

func (w *World) reportRow(p *principal) []string {
	name := p.Name
	if p == w.root {
		name = "<root_account>"
	}
	row := []string{name, p.arn, cliTime(w.since(p.Created, p.Name))}
	row = append(row, w.passwordColumns(p)...)
	row = append(row, strconv.FormatBool(p.MFA))
	for slot := 1; slot <= 2; slot++ {
		row = append(row, w.keyColumns(p, slot)...)
	}
	return append(row, "false", "N/A", "false", "N/A")
}

func (w *World) passwordColumns(p *principal) []string {
	if p.Password == nil {
		return []string{"false", "N/A", "N/A", "N/A"}
	}
	used := "no_information"
	if last, ok := w.newest(p, isLogin); ok {
		used = cliTime(last.at)
	}
	if p == w.root {
		return []string{"not_supported", used, "not_supported", "not_supported"}
	}
	return []string{"true", used, cliTime(w.since(p.Password.Set, p.Name)), "N/A"}
}

func (w *World) keyColumns(p *principal, slot int) []string {
	if slot > len(p.Keys) {
		return []string{"false", "N/A", "N/A", "N/A", "N/A"}
	}
	k := p.Keys[slot-1]
	row := []string{strconv.FormatBool(k.Active), cliTime(w.since(k.Created, p.Name))}
	last, ok := w.newest(p, byKey(slot))
	if !ok {
		return append(row, "N/A", "N/A", "N/A")
	}
	return append(row, cliTime(last.at), last.habit.region, serviceOf(last.habit))
}

// serviceOf is the prefix of what a habit calls.
func serviceOf(h *habit) string {
	service, _, _ := strings.Cut(h.call.action, ":")
	return service
}

// printAccessKeys prints access-keys.json: for each user the answer of
// aws iam list-access-keys, and for each key that of aws iam get-access-key-last-used
// with the key's id put in, all in one array.
func (w *World) printAccessKeys(out *printer) {
	var answers []string
	for _, u := range w.users {
		var listed []string
		for i, k := range u.Keys {
			status := "Inactive"
			if k.Active {
				status = "Active"
			}
			listed = append(listed, fmt.Sprintf(`{"UserName": %q, "AccessKeyId": %q, "Status": %q, "CreateDate": %q}`,
				u.Name, keyID(w, u, i+1), status, cliTime(w.since(k.Created, u.Name))))
		}
		answers = append(answers, `{"AccessKeyMetadata": [`+strings.Join(listed, ", ")+`]}`)
		for i := range u.Keys {
			answers = append(answers, w.keyLastUsed(u, i+1))
		}
	}
	out.text("[\n  " + strings.Join(answers, ",\n  ") + "\n]\n")
}

func (w *World) keyLastUsed(u *principal, slot int) string {
	used := `{"ServiceName": "N/A", "Region": "N/A"}`
	if last, ok := w.newest(u, byKey(slot)); ok {
		used = fmt.Sprintf(`{"LastUsedDate": %q, "ServiceName": %q, "Region": %q}`, cliTime(last.at), serviceOf(last.habit), last.habit.region)
	}
	return fmt.Sprintf(`{"UserName": %q, "AccessKeyLastUsed": %s, "AccessKeyId": %q}`, u.Name, used, keyID(w, u, slot))
}
