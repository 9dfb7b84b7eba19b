; Claim: The new policy allows no unused action of the catalog of 2024-06-16, and nothing of an unused service, on any
; resource and in any context.

; old: policy.json, SHA-256 7ec29c4f5bea962c61452d2f8ac5041b5171b518c71269f78dfcc9080dc9996d
; new: policy.json, SHA-256 882475b73192468b70b89693b57e82c7b647db52c551860a883c9c352119fd09
; A policy allows what an Allow statement of it matches and no Deny statement does. Policies that stand
; together allow what one of them allows and none denies.

; Written by pare (https://github.com/pare-iam/pare); to be checked without it:
;   cvc5 --lang=smt2 --strings-exp unused-gone.smt2
; Every answer must be unsat: no request breaks the claim.

(set-option :incremental true)
(set-logic ALL)

; The request. A resource is any string but the empty one.
(declare-const action String)
(declare-const resource String)
(assert (not (= resource "")))
; The action is service:name. Patterns are in lower case, because IAM compares actions without case.
; Nothing more needs to be said of it: a character or a service that no pattern names is as good
; as any other. Only a service without a name isn't an action.
(assert (not (= action "s3:")))

; Condition key aws:securetransport: whether the request has it, and its value. No condition takes it for a set of values,
; so it has one.
(declare-const |has aws:securetransport| Bool)
(declare-const |aws:securetransport| String)

; Condition key aws:sourceip: whether the request has it, and its value. No condition takes it for a set of values,
; so it has one.
(declare-const |has aws:sourceip| Bool)
; An IPv4 or IPv6 address as a number.
(declare-const |aws:sourceip is an address| Bool)
(declare-const |aws:sourceip is IPv6| Bool)
(declare-const |aws:sourceip| Int)
(assert (<= 0 |aws:sourceip|))
(assert (< |aws:sourceip| (ite |aws:sourceip is IPv6| 340282366920938463463374607431768211456 4294967296)))

; Condition key aws:username: whether the request has it, and its value. No condition takes it for a set of values,
; so it has one.
(declare-const |has aws:username| Bool)
(declare-const |aws:username| String)

; ---- new: policy.json, SHA-256 882475b73192468b70b89693b57e82c7b647db52c551860a883c9c352119fd09

; new statement 0: Allow
; Action: s3:GetObject, s3:GetObjectTagging
(define-fun |new statement 0 action| ((action String)) Bool
  (str.in_re
    action
    (re.++ (str.to_re "s3:") (re.union (str.to_re "getobject") (str.to_re "getobjecttagging")))))
; Resource: arn:aws:s3:::b/${aws:username}/*
(define-fun |new statement 0 resource| () Bool
  (and |has aws:username| (str.prefixof (str.++ "arn:aws:s3:::b/" |aws:username| "/") resource)))
; Condition: Bool aws:securetransport: true
(define-fun |new statement 0 condition 1| () Bool
  (and
    |has aws:securetransport|
    (str.in_re
      |aws:securetransport|
      (re.++
        (re.union (str.to_re "t") (str.to_re "T"))
        (re.union (str.to_re "r") (str.to_re "R"))
        (re.union (str.to_re "u") (str.to_re "U"))
        (re.union (str.to_re "e") (str.to_re "E"))))))
(define-fun |new statement 0 applies| () Bool (and |new statement 0 resource| |new statement 0 condition 1|))
(define-fun |new statement 0| ((action String)) Bool
  (and (|new statement 0 action| action) |new statement 0 applies|))

; new statement 1: Deny
; Action: s3:*
(define-fun |new statement 1 action| ((action String)) Bool
  (str.in_re action (re.++ (str.to_re "s3:") re.all)))
; Resource: *
(define-fun |new statement 1 resource| () Bool true)
; Condition: NotIpAddress aws:sourceip: 203.0.113.0/24
(define-fun |new statement 1 condition 1| () Bool
  (or
    (not |has aws:sourceip|)
    (not
      (and
        |aws:sourceip is an address|
        (not |aws:sourceip is IPv6|)
        (<= 3405803776 |aws:sourceip| 3405804031)))))
(define-fun |new statement 1 applies| () Bool (and |new statement 1 resource| |new statement 1 condition 1|))
(define-fun |new statement 1| ((action String)) Bool
  (and (|new statement 1 action| action) |new statement 1 applies|))

; What new allows: what an Allow statement matches, and no Deny statement does.
(define-fun |new denies| ((action String)) Bool (|new statement 1| action))
(define-fun new ((action String)) Bool (and (|new statement 0| action) (not (|new denies| action))))

; The actions that go: the unused ones that are in the catalog, and all of unused services.

; group 1: 1 actions, alike in which statements match them.
(define-fun |group 1 alike| ((action String)) Bool
  (and (not (|new statement 0 action| action)) (|new statement 1 action| action)))
(define-fun |group 1| () Bool (|group 1 alike| "s3:getobjectacl"))

; Service lambda, unused as a whole: new allows an action of it, known or not.
(define-fun |service lambda:| () Bool
  (and (str.in_re action (re.++ (str.to_re "lambda:") re.all)) (new action)))

; The opposite of the claim: a group isn't as it says, or new allows its first action on something, or
; new allows something of an unused service.
(push 1)
(assert (or (not |group 1|) (new "s3:getobjectacl") |service lambda:|))
(check-sat)
(pop 1)
