package samplegen

import (
	"strconv"
	"strings"
	"time"
)

// appendIdentity appends the userIdentity of an event.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
func (r *recorder) appendIdentity(b []byte, e event) []byte {
	p, h := e.habit.owner, e.habit
	switch {
	case p == r.w.root:
		return r.appendRootIdentity(b, e)
	case p.role:
		return r.appendRoleIdentity(b, e)
	case h.by == "federated":
		return r.appendFederatedIdentity(b, e)
	default:
		return r.appendUserIdentity(b, e)
	}
}

func (r *recorder) appendRootIdentity(b []byte, e event) []byte {
	p := e.habit.owner
	b = append(append(b, `{"type":"Root","principalId":"`...), p.id...)
	b = append(append(b, `","arn":"`...), p.arn...)
	b = append(append(append(b, `","accountId":"`...), p.id...), '"')
	if isLogin(e.habit) {
		return append(b, '}')
	}
	b = append(append(b, `,"accessKeyId":"`...), r.sessionKey(e)...)
	return append(r.appendAttributes(append(b, `","sessionContext":{`...), e), "}}"...)
}

// appendRoleIdentity appends a session of a role.
func (r *recorder) appendRoleIdentity(b []byte, e event) []byte {
	p, account := e.habit.owner, r.w.options.AccountID
	session := r.sessionName(e)
	b = append(b, `{"type":"AssumedRole","principalId":"`...)
	b = append(append(append(append(b, p.id...), ':'), session...), `","arn":"arn:aws:sts::`...)
	b = append(append(b, account...), `:assumed-role/`...)
	b = append(append(append(append(b, p.Name...), '/'), session...), `","accountId":"`...)
	b = append(append(b, account...), `","accessKeyId":"`...)
	b = append(append(b, r.sessionKey(e)...), `","sessionContext":{"sessionIssuer":{"type":"Role","principalId":"`...)
	b = append(append(b, p.id...), `","arn":"`...)
	b = append(append(b, p.arn...), `","accountId":"`...)
	b = append(append(b, account...), `","userName":"`...)
	b = append(append(b, p.Name...), `"},`...)
	if p.Trust == "oidc" {
		b = append(append(append(b, `"webIdFederationData":{"federatedProvider":"arn:aws:iam::`...), account...), `:oidc-provider/token.actions.githubusercontent.com","attributes":{}},`...)
	}
	b = r.appendAttributes(b, e)
	if p.Trust == "ec2.amazonaws.com" {
		b = append(b, `,"ec2RoleDelivery":"2.0"`...)
	}
	b = append(b, '}')
	if p.Trust == "lambda.amazonaws.com" {
		b = append(append(b, `,"inScopeOf":{"issuerType":"AWS::Lambda::Function","credentialsIssuedTo":"arn:aws:lambda:eu-west-1:`...), account...)
		b = append(append(append(b, `:function:`...), p.Name...), `"}`...)
	}
	if e.habit.via != "" {
		b = append(append(append(b, `,"invokedBy":"`...), e.habit.via...), '"')
	}
	return append(b, '}')
}

// appendUserIdentity appends an IAM user, who signs with a key or is at the console.
func (r *recorder) appendUserIdentity(b []byte, e event) []byte {
	p, h := e.habit.owner, e.habit
	b = append(b, `{"type":"IAMUser","principalId":"`...)
	b = append(append(b, p.id...), `","arn":"`...)
	b = append(append(b, p.arn...), `","accountId":"`...)
	b = append(append(b, r.w.options.AccountID...), '"')
	if h.by != "console" {
		b = append(append(append(b, `,"accessKeyId":"`...), keyID(r.w, p, keySlot(h))...), '"')
	} else if !isLogin(h) {
		b = append(append(append(b, `,"accessKeyId":"`...), r.sessionKey(e)...), '"')
	}
	b = append(append(append(b, `,"userName":"`...), p.Name...), '"')
	if h.by == "console" && !isLogin(h) {
		b = append(r.appendAttributes(append(b, `,"sessionContext":{`...), e), '}')
	}
	return append(b, '}')
}

func keySlot(h *habit) int {
	if h.by == "key2" {
		return 2
	}
	return 1
}

// appendFederatedIdentity appends a session that a user made with sts:GetFederationToken.
func (r *recorder) appendFederatedIdentity(b []byte, e event) []byte {
	p, account := e.habit.owner, r.w.options.AccountID
	b = append(append(b, `{"type":"FederatedUser","principalId":"`...), account...)
	b = append(append(b, `:portal-user","arn":"arn:aws:sts::`...), account...)
	b = append(append(b, `:federated-user/portal-user","accountId":"`...), account...)
	b = append(append(b, `","accessKeyId":"`...), r.sessionKey(e)...)
	b = append(append(b, `","sessionContext":{"sessionIssuer":{"type":"IAMUser","principalId":"`...), p.id...)
	b = append(append(b, `","arn":"`...), p.arn...)
	b = append(append(b, `","accountId":"`...), account...)
	b = append(append(b, `","userName":"`...), p.Name...)
	return append(r.appendAttributes(append(b, `"},`...), e), "}}"...)
}

func (r *recorder) appendAttributes(b []byte, e event) []byte {
	began := e.at.Truncate(sessionLength)
	b = append(b, `"attributes":{"creationDate":"`...)
	b = appendTime(b, began.Add(-time.Second*(jitter(e.habit.owner.number, began)%240)))
	b = append(b, `","mfaAuthenticated":"`...)
	b = strconv.AppendBool(b, e.habit.owner.MFA)
	return append(b, `"}`...)
}

// sessionName is the name of the session that an event falls in.
func (r *recorder) sessionName(e event) string {
	p := e.habit.owner
	if p.Session != "" {
		return p.Session
	}
	seed := p.Name + e.at.Truncate(sessionLength).String()
	service, _, _ := strings.Cut(p.Trust, ".")
	switch service {
	case "ecs-tasks":
		return strings.ToLower(r.w.hex(seed, 32))
	case "lambda":
		return p.Name
	case "ec2":
		return "i-0" + r.w.hex(p.Name, 16)
	case "glue":
		return "GlueJobRunnerSession"
	default:
		return service + "-" + r.w.hex(seed, 16)
	}
}

// sessionKey is the temporary access key of the session that an event falls in.
func (r *recorder) sessionKey(e event) string {
	id := sessionID{e.habit.owner.number, e.at.Truncate(sessionLength).Unix()}
	if key, ok := r.keys[id]; ok {
		return key
	}
	key := "ASIA" + r.w.code("session/"+strconv.Itoa(id.principal)+"/"+strconv.FormatInt(id.began, 10), 16)
	r.keys[id] = key
	return key
}

type sessionID struct {
	principal int
	began     int64
}
