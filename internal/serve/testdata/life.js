// The life of an analyzer through AWS's SDK for JavaScript, on a server that really scans: URL,
// resource. It prints what life.py prints.
"use strict";

const { setTimeout: sleep } = require("node:timers/promises");
const { AccessAnalyzer, paginateListFindingsV2 } = require("@aws-sdk/client-accessanalyzer");

const [endpoint, resource] = process.argv.slice(2);
const api = new AccessAnalyzer({ endpoint, region: process.env.AWS_DEFAULT_REGION });
const analyzerName = "javascript";

// until is what get returns, once that is something.
async function until(what, get) {
  for (let i = 0; i < 600; i++) {
    const value = await get();
    if (value) return value;
    await sleep(50);
  }
  throw new Error(`it doesn't come to that: ${what}`);
}

async function life() {
  const { arn: analyzerArn } = await api.createAnalyzer({
    analyzerName, type: "ACCOUNT_UNUSED_ACCESS", configuration: { unusedAccess: { unusedAccessAge: 90 } },
  });
  const findings = async (filter) => {
    const all = [];
    for await (const page of paginateListFindingsV2({ client: api, pageSize: 7 }, { analyzerArn, filter })) all.push(...page.findings);
    return all;
  };
  const users = { resourceType: { eq: ["AWS::IAM::User"] } };
  const count = await until("findings", async () => (await findings()).length);
  const [one] = await findings({ resource: { eq: [resource] } });
  const { findingDetails } = await api.getFindingV2({ analyzerArn, id: one.id });
  await api.createArchiveRule({ analyzerName, ruleName: "users", filter: users });
  await api.applyArchiveRule({ analyzerArn, ruleName: "users" });
  await until("archived users", async () => (await findings({ ...users, status: { eq: ["ACTIVE"] } })).length === 0);
  const archived = await findings({ status: { eq: ["ARCHIVED"] } });
  await api.generateFindingRecommendation({ analyzerArn, id: one.id });
  const made = await until("a recommendation", async () => {
    const got = await api.getFindingRecommendation({ analyzerArn, id: one.id });
    return got.status === "IN_PROGRESS" ? null : got;
  });
  await api.updateFindings({ analyzerArn, ids: [one.id], status: "ARCHIVED" });
  const { status } = await api.getFindingV2({ analyzerArn, id: one.id });
  await api.deleteAnalyzer({ analyzerName });
  const { analyzers } = await api.listAnalyzers({});
  return {
    arn: analyzerArn, findings: count, type: one.findingType, services: findingDetails.map((d) => d.unusedPermissionDetails.serviceNamespace),
    archived: [...new Set(archived.map((f) => f.resourceType))], recommendation: made.status,
    steps: made.recommendedSteps.map((s) => s.unusedPermissionsRecommendedStep.recommendedAction),
    one: status, analyzers: analyzers.map((a) => a.name),
  };
}

life().then((seen) => process.stdout.write(JSON.stringify(seen)), (e) => {
  console.error(e);
  process.exitCode = 1;
});
