// The full life of an analyzer through AWS's SDK for JavaScript. The endpoint is the first
// argument, the finding's resource the second. Prints one line of JSON with what it saw.
"use strict";

const { setTimeout: sleep } = require("node:timers/promises");
const { AccessAnalyzer, paginateGetFindingV2, paginateListFindingsV2 } = require("@aws-sdk/client-accessanalyzer");

const [endpoint, role] = process.argv.slice(2);
const aa = new AccessAnalyzer({ endpoint, region: process.env.AWS_DEFAULT_REGION, maxAttempts: 1 });
const analyzerName = "javascript";
const seen = {};

async function code(call) {
  try {
    await call;
  } catch (e) {
    return `${e.$metadata.httpStatusCode} ${e.name}`;
  }
  return "no error";
}

// pages gathers what all pages have, and how long each is.
async function pages(paginator, items) {
  const all = [];
  const lengths = [];
  for await (const page of paginator) {
    all.push(...items(page));
    lengths.push(items(page).length);
  }
  return { all, lengths };
}

function list(analyzerArn, more, pageSize) {
  return pages(paginateListFindingsV2({ client: aa, pageSize }, { analyzerArn, ...more }), (page) => page.findings);
}

async function makeAnalyzer() {
  const configuration = { unusedAccess: { unusedAccessAge: 120, analysisRule: { exclusions: [{ resourceTags: [{ stage: "" }] }] } } };
  const { arn } = await aa.createAnalyzer({ analyzerName, type: "ACCOUNT_UNUSED_ACCESS", configuration, tags: { team: "a b/c", stage: "é" } });
  seen.arn = arn;
  seen.conflict = await code(aa.createAnalyzer({ analyzerName, type: "ACCOUNT_UNUSED_ACCESS" }));
  seen.external = await code(aa.createAnalyzer({ analyzerName: "other", type: "ACCOUNT" }));
  const { analyzer } = await aa.getAnalyzer({ analyzerName });
  seen.configuration = analyzer.configuration;
  seen.dated = analyzer.createdAt instanceof Date;
  const changed = await aa.updateAnalyzer({ analyzerName, configuration: { unusedAccess: { unusedAccessAge: 90, analysisRule: { exclusions: [] } } } });
  seen.changed = changed.configuration;
  seen.analyzers = (await aa.listAnalyzers({ type: "ACCOUNT_UNUSED_ACCESS" })).analyzers.map((a) => a.name);
  return arn;
}

async function tags(resourceArn) {
  seen.tags = (await aa.listTagsForResource({ resourceArn })).tags;
  await aa.tagResource({ resourceArn, tags: { team: "d", owner: "e" } });
  await aa.untagResource({ resourceArn, tagKeys: ["stage", "owner"] });
  seen.retagged = (await aa.listTagsForResource({ resourceArn })).tags;
}

async function findings(arn) {
  const { all, lengths } = await list(arn, { sort: { attributeName: "resource", orderBy: "DESC" } }, 7);
  seen.findings = all.map((f) => f.id).sort();
  seen.longest = Math.max(...lengths);
  seen.sorted = all.every((f, i) => i === 0 || all[i - 1].resource >= f.resource);
  const filter = { resource: { eq: [role] }, findingType: { neq: ["UnusedIAMRole"] }, resourceType: { contains: ["::Role"] }, error: { exists: false } };
  const wanted = await list(arn, { filter });
  seen.wanted = wanted.all.map((f) => f.id);
  const id = wanted.all[0].id;
  const details = await pages(paginateGetFindingV2({ client: aa, pageSize: 1 }, { analyzerArn: arn, id }), (page) => page.findingDetails);
  seen.services = details.all.map((d) => d.unusedPermissionDetails.serviceNamespace);
  seen.missing = await code(aa.getFindingV2({ analyzerArn: arn, id: "00000000-0000-0000-0000-000000000000" }));
  return id;
}

async function rules(arn) {
  const ruleName = "users";
  const archived = { filter: { status: { eq: ["ARCHIVED"] } } };
  await aa.createArchiveRule({ analyzerName, ruleName, filter: { resourceType: { eq: ["AWS::IAM::User"] } } });
  await aa.applyArchiveRule({ analyzerArn: arn, ruleName });
  const { all } = await list(arn, archived);
  seen.archived = [...new Set(all.map((f) => f.resourceType))];
  await aa.updateFindings({ analyzerArn: arn, ids: all.map((f) => f.id), status: "ACTIVE" });
  seen.left = (await list(arn, archived)).all.length;
  await aa.updateArchiveRule({ analyzerName, ruleName, filter: { resource: { contains: [":user/", "é"] }, error: { exists: false } } });
  seen.rule = (await aa.getArchiveRule({ analyzerName, ruleName })).archiveRule.filter;
  seen.unfiltered = await code(aa.createArchiveRule({ analyzerName, ruleName: "all", filter: {} }));
  await aa.deleteArchiveRule({ analyzerName, ruleName });
  seen.rules = (await aa.listArchiveRules({ analyzerName })).archiveRules;
}

async function recommendation(analyzerArn, id) {
  seen.before = await code(aa.getFindingRecommendation({ analyzerArn, id }));
  await aa.generateFindingRecommendation({ analyzerArn, id });
  const statuses = [];
  let answer;
  for (let tries = 0; tries < 200 && answer?.status !== "SUCCEEDED"; tries++) {
    if (answer) await sleep(50);
    answer = await aa.getFindingRecommendation({ analyzerArn, id });
    statuses.push(answer.status);
  }
  seen.statuses = [...new Set(statuses)];
  seen.type = answer.recommendationType;
  seen.steps = answer.recommendedSteps.map((s) => s.unusedPermissionsRecommendedStep.recommendedAction);
  seen.policies = answer.recommendedSteps
    .map((s) => s.unusedPermissionsRecommendedStep.recommendedPolicy)
    .filter((text) => text !== undefined);
  seen.finished = answer.completedAt >= answer.startedAt;
}

async function main() {
  const arn = await makeAnalyzer();
  await tags(arn);
  const id = await findings(arn);
  await rules(arn);
  await recommendation(arn, id);
  await aa.updateFindings({ analyzerArn: arn, ids: [id], status: "ARCHIVED" });
  seen.one = (await aa.getFindingV2({ analyzerArn: arn, id })).status;
  const { findingsStatistics } = await aa.getFindingsStatistics({ analyzerArn: arn });
  const { totalActiveFindings: active, totalArchivedFindings: archived } = findingsStatistics[0].unusedAccessFindingsStatistics;
  seen.statistics = { active, archived };
  await aa.deleteAnalyzer({ analyzerName });
  seen.gone = await code(aa.getAnalyzer({ analyzerName }));
  console.log(JSON.stringify(seen));
}

main().catch((e) => {
  console.error(e);
  process.exitCode = 1;
});
