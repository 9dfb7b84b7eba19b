# bash collect.sh: fills the folder "account" with what IAM knows of an account.
set -euf -o pipefail
export AWS_DEFAULT_OUTPUT=json
mkdir account account/last-accessed
cd account
aws iam get-account-authorization-details > authorization-details.json

state=
while [ "$state" != COMPLETE ]; do
  state=$(aws iam generate-credential-report --query State --output text)
  sleep 1
done
aws iam get-credential-report --query Content --output text | base64 --decode > credential-report.csv

users=$(aws iam list-users --query 'Users[].Arn' --output text)
for arn in $users; do
  aws iam list-access-keys --user-name "${arn##*/}" --query 'AccessKeyMetadata[].[AccessKeyId, Status, CreateDate]' --output text
done | while read -r key status created; do
  aws iam get-access-key-last-used --access-key-id "$key" --query "merge(@, {AccessKeyId: '$key', Status: '$status', CreateDate: '$created'})"
done > access-keys.json

roles=$(aws iam list-roles --query 'Roles[?!starts_with(Path, `"/aws-service-role/"`)].Arn' --output text)
for arn in $users $roles; do
  job=$(aws iam generate-service-last-accessed-details --arn "$arn" --granularity ACTION_LEVEL --query JobId --output text)
  echo "$job $arn"
done | while read -r job arn; do
  page=1 marker=
  while true; do
    answer=last-accessed/$job-$page.json
    aws iam get-service-last-accessed-details --job-id "$job" ${marker:+--marker "$marker"} --query "merge(@, {Arn: '$arn'})" > "$answer"
    if grep -q '"JobStatus": "IN_PROGRESS"' "$answer"; then sleep 1; continue; fi
    marker=$(sed -n 's/^ *"Marker": "\(.*\)".*/\1/p' "$answer")
    if [ -z "$marker" ]; then break; fi
    page=$((page + 1))
  done
done

printf '{"schemaVersion": 1, "collectedAt": "%s"}\n' "$(date -u +%FT%TZ)" > snapshot.json
