"""The full life of an analyzer through boto3. The endpoint is the first argument, the
finding's resource the second. Prints one line of JSON with what it saw."""
import json
import sys
import time

import boto3
from botocore.exceptions import ClientError

endpoint, role = sys.argv[1:]
aa = boto3.client("accessanalyzer", endpoint_url=endpoint)
seen = {}


def code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as e:
        return e.response["Error"]["Code"]
    return "no error"


arn = aa.create_analyzer(analyzerName="boto", type="ACCOUNT_UNUSED_ACCESS", tags={"team": "a b/c"})["arn"]
seen["arn"] = arn
seen["conflict"] = code(aa.create_analyzer, analyzerName="boto", type="ACCOUNT_UNUSED_ACCESS")
seen["external"] = code(aa.create_analyzer, analyzerName="other", type="ACCOUNT")
seen["tags"] = aa.list_tags_for_resource(resourceArn=arn)["tags"]
aa.untag_resource(resourceArn=arn, tagKeys=["team"])
seen["untagged"] = aa.list_tags_for_resource(resourceArn=arn)["tags"]

pages = aa.get_paginator("list_findings_v2").paginate(analyzerArn=arn, PaginationConfig={"PageSize": 7})
findings = [f for page in pages for f in page["findings"]]
seen["findings"] = len(findings)
seen["dated"] = all(f["createdAt"].tzinfo is not None for f in findings)

aa.create_archive_rule(analyzerName="boto", ruleName="users", filter={"resourceType": {"eq": ["AWS::IAM::User"]}})
aa.apply_archive_rule(analyzerArn=arn, ruleName="users")
archived = aa.list_findings_v2(analyzerArn=arn, filter={"status": {"eq": ["ARCHIVED"]}})["findings"]
seen["archived"] = sorted({f["resourceType"] for f in archived})
aa.delete_archive_rule(analyzerName="boto", ruleName="users")
seen["rules"] = aa.list_archive_rules(analyzerName="boto")["archiveRules"]

wanted = {"resource": {"eq": [role]}, "findingType": {"eq": ["UnusedPermission"]}}
finding = aa.list_findings_v2(analyzerArn=arn, filter=wanted)["findings"][0]["id"]
seen["services"] = [d["unusedPermissionDetails"]["serviceNamespace"] for d in aa.get_finding_v2(analyzerArn=arn, id=finding)["findingDetails"]]
aa.generate_finding_recommendation(analyzerArn=arn, id=finding)
for _ in range(100):
    answer = aa.get_finding_recommendation(analyzerArn=arn, id=finding)
    if answer["status"] != "IN_PROGRESS":
        break
    time.sleep(0.05)
seen["status"] = answer["status"]
seen["steps"] = [s["unusedPermissionsRecommendedStep"]["recommendedAction"] for s in answer["recommendedSteps"]]
aa.update_findings(analyzerArn=arn, ids=[finding], status="ARCHIVED")
seen["one"] = aa.get_finding_v2(analyzerArn=arn, id=finding)["status"]

aa.delete_analyzer(analyzerName="boto")
seen["gone"] = code(aa.get_analyzer, analyzerName="boto")
print(json.dumps(seen, sort_keys=True))
