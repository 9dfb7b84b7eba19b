"""The life of an analyzer through boto3, on a server that really scans: URL, resource."""
import json
import sys
import time

import boto3

url, resource = sys.argv[1:]
api = boto3.client("accessanalyzer", endpoint_url=url)


def until(what, get):
    """What get returns, once that is something."""
    for _ in range(600):
        if value := get():
            return value
        time.sleep(0.05)
    sys.exit(f"it doesn't come to that: {what}")


def findings(**criteria):
    pages = api.get_paginator("list_findings_v2").paginate(analyzerArn=arn, filter=criteria, PaginationConfig={"PageSize": 7})
    return [f for page in pages for f in page["findings"]]


arn = api.create_analyzer(
    analyzerName="boto", type="ACCOUNT_UNUSED_ACCESS", configuration={"unusedAccess": {"unusedAccessAge": 90}}
)["arn"]
out = {"arn": arn, "findings": len(until("findings", findings))}
(one,) = findings(resource={"eq": [resource]})
out["type"] = one["findingType"]
details = api.get_finding_v2(analyzerArn=arn, id=one["id"])["findingDetails"]
out["services"] = [d["unusedPermissionDetails"]["serviceNamespace"] for d in details]
api.create_archive_rule(analyzerName="boto", ruleName="users", filter={"resourceType": {"eq": ["AWS::IAM::User"]}})
api.apply_archive_rule(analyzerArn=arn, ruleName="users")
until("archived users", lambda: not findings(resourceType={"eq": ["AWS::IAM::User"]}, status={"eq": ["ACTIVE"]}))
out["archived"] = sorted({f["resourceType"] for f in findings(status={"eq": ["ARCHIVED"]})})
api.generate_finding_recommendation(analyzerArn=arn, id=one["id"])


def recommendation():
    got = api.get_finding_recommendation(analyzerArn=arn, id=one["id"])
    return got if got["status"] != "IN_PROGRESS" else None


made = until("a recommendation", recommendation)
out["recommendation"] = made["status"]
out["steps"] = [s["unusedPermissionsRecommendedStep"]["recommendedAction"] for s in made["recommendedSteps"]]
api.update_findings(analyzerArn=arn, ids=[one["id"]], status="ARCHIVED")
out["one"] = api.get_finding_v2(analyzerArn=arn, id=one["id"])["status"]
api.delete_analyzer(analyzerName="boto")
out["analyzers"] = [a["name"] for a in api.list_analyzers()["analyzers"]]
json.dump(out, sys.stdout)
