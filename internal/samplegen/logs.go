package samplegen

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/klauspost/compress/gzip"
)

// Logs writes the files of a trail that records all management events and the data
// events of S3 objects: logs, digests and one file of Insights, each gzip'd, as they lie
// in its bucket. It calls write for each, in order of days and Regions; an error of
// write or of content ends it. The content can be called once, before write returns.
func (w *World) Logs(write func(name string, content func(io.Writer) error) error) error {
	r := w.newRecorder()
	zip, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		return err
	}
	save := func(name string, raw []byte) error {
		return write(name, func(to io.Writer) error {
			zip.Reset(to)
			if _, err := zip.Write(raw); err != nil {
				return err
			}
			return zip.Close()
		})
	}
	chains := map[string]*chain{homeRegion: {}, globalRegion: {}}
	for ago := w.options.Days - 1; ago >= 0; ago-- {
		events := w.day(ago, logged)
		for _, region := range []string{homeRegion, globalRegion} {
			if err := r.writeDay(save, chains[region], region, ago, events); err != nil {
				return err
			}
		}
	}
	return save(w.logName("CloudTrail-Insight", homeRegion, 10, "Q7s1XbW0dKzE4uYc"), r.insights())
}

// chain is what a digest says of the one before it.
type chain struct{ object, hash, signature string }

// writeDay writes the log of a Region and a day, and its digest.
func (r *recorder) writeDay(save func(string, []byte) error, c *chain, region string, ago int, events []event) error {
	r.pcg.Seed(r.w.options.Seed^hash(0, region), uint64(ago))
	clear(r.keys)
	var mine []event
	for _, e := range events {
		if e.habit.region == region {
			mine = append(mine, e)
		}
	}
	mine = append(mine, r.noise(region, ago, mine)...)
	slices.SortStableFunc(mine, func(a, b event) int { return a.at.Compare(b.at) })
	raw := append(r.raw[:0], `{"Records":[`...)
	for i, e := range mine {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = r.appendRecord(raw, e)
	}
	raw = append(raw, "]}"...)
	r.raw = raw
	name := r.w.logName("CloudTrail", region, ago, string(r.appendRandom(nil, base64[:62], 16)))
	if err := save(name, raw); err != nil {
		return err
	}
	digest, text := r.digest(c, region, ago, logFile{name, raw, mine[0].at, mine[len(mine)-1].at})
	return save(digest, text)
}

// appendRecord appends an event of a principal or a piece of noise.
func (r *recorder) appendRecord(b []byte, e event) []byte {
	if e.habit.number < 0 {
		return r.appendValue(b, e.habit.call.params, e)
	}
	return r.appendEvent(b, e)
}

// logName is the key of a log file in the trail's bucket. It is delivered five minutes
// before the end of the day, after the last event.
func (w *World) logName(kind, region string, ago int, unique string) string {
	at := w.options.Now.Add(-time.Duration(ago)*day - 5*time.Minute)
	return fmt.Sprintf("AWSLogs/%[1]s/%[2]s/%[3]s/%[4]s/%[1]s_%[2]s_%[3]s_%[5]s_%[6]s.json.gz",
		w.options.AccountID, kind, region, at.Format("2006/01/02"), at.Format("20060102T1504Z"), unique)
}

type logFile struct {
	name           string
	raw            []byte
	oldest, newest time.Time
}

// digest makes the digest file of a day with one log file.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
func (r *recorder) digest(c *chain, region string, ago int, log logFile) (name string, text []byte) {
	const bucket = "shop-cloudtrail"
	account := r.w.options.AccountID
	end := r.w.options.Now.Add(-time.Duration(ago) * day)
	name = fmt.Sprintf("AWSLogs/%[1]s/CloudTrail-Digest/%[2]s/%[3]s/%[1]s_CloudTrail-Digest_%[2]s_all_%[4]s_%[5]s.json.gz",
		account, region, end.Format("2006/01/02"), homeRegion, end.Format("20060102T150405Z"))
	previous := `"previousDigestS3Bucket":null,"previousDigestS3Object":null,"previousDigestHashValue":null,"previousDigestHashAlgorithm":null,"previousDigestSignature":null`
	if c.object != "" {
		previous = fmt.Sprintf(`"previousDigestS3Bucket":%q,"previousDigestS3Object":%q,"previousDigestHashValue":%q,"previousDigestHashAlgorithm":"SHA-256","previousDigestSignature":%q`,
			bucket, c.object, c.hash, c.signature)
	}
	text = fmt.Appendf(nil, `{"awsAccountId":%q,"digestStartTime":%q,"digestEndTime":%q,"digestS3Bucket":%q,"digestS3Object":%q,"digestPublicKeyFingerprint":"31e8b5433410dfb61a9dc45cc65b22ff","digestSignatureAlgorithm":"SHA256withRSA","newestEventTime":%q,"oldestEventTime":%q,%s,"logFiles":[{"s3Bucket":%q,"s3Object":%q,"hashValue":%q,"hashAlgorithm":"SHA-256","newestEventTime":%q,"oldestEventTime":%q}]}`,
		account, end.Add(-day).Format(time.RFC3339), end.Format(time.RFC3339), bucket, name,
		log.newest.Format(time.RFC3339), log.oldest.Format(time.RFC3339), previous,
		bucket, log.name, sum(log.raw), log.newest.Format(time.RFC3339), log.oldest.Format(time.RFC3339))
	*c = chain{name, sum(text), string(r.appendRandom(nil, hexDigits, 512))}
	return name, text
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// insights is a file of CloudTrail Insights: the beginning and the end of one anomaly.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-insights-fields-trails.html
func (r *recorder) insights() []byte {
	at := r.w.options.Now.Add(-11*day + 9*time.Hour)
	shared := string(r.appendUUID(nil))
	b := []byte(`{"Records":[`)
	for i, state := range []string{"Start", "End"} {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"eventVersion":"1.11","eventTime":%q,"awsRegion":%q,"eventID":%q,"eventType":"AwsCloudTrailInsight","recipientAccountId":%q,"sharedEventID":%q,"insightDetails":{"state":%q,"eventSource":"ssm.amazonaws.com","eventName":"GetParametersByPath","insightType":"ApiCallRateInsight","insightContext":{"statistics":{"baseline":{"average":0.0055},"insight":{"average":2.5},"insightDuration":6,"baselineDuration":10080}}},"eventCategory":"Insight"}`,
			at.Add(time.Duration(i)*6*time.Minute).Format(time.RFC3339), homeRegion, r.appendUUID(nil), r.w.options.AccountID, shared, state)
	}
	return append(b, "]}"...)
}
