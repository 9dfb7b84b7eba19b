package samplegen

import (
	"math/rand/v2"
	"strconv"
	"time"
)

// sessionLength is how long a session of a role or of the console lasts.
const sessionLength = 6 * time.Hour

// recorder writes event records. Its random numbers make the ids, addresses and sizes,
// which say nothing about who used what.
type recorder struct {
	w     *World
	pcg   rand.PCG
	kinds []*noise
	keys  map[sessionID]string
	raw   []byte // of the last log, for the next to be written over it
}

func (w *World) newRecorder() *recorder {
	return &recorder{w: w, kinds: readNoise(), keys: map[sessionID]string{}}
}

// appendEvent appends the record of an event.
// https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
func (r *recorder) appendEvent(b []byte, e event) []byte {
	h, c := e.habit, e.habit.call
	b = append(b, `{"eventVersion":"1.11","userIdentity":`...)
	b = r.appendIdentity(b, e)
	b = r.appendHead(b, c, e.at, h.region)
	b = r.appendOrigin(b, e)
	if h.denied {
		b = r.appendDenied(b, e)
	}
	b = r.appendValue(append(b, `,"requestParameters":`...), c.params, e)
	response := c.response
	if h.denied || c.read && c.kind == "AwsApiCall" && c.source != "sts.amazonaws.com" {
		response = template{}
	}
	b = r.appendValue(append(b, `,"responseElements":`...), response, e)
	if c.extra.texts != nil {
		b = r.appendValue(append(b, `,"additionalEventData":`...), c.extra, e)
	}
	b = r.appendIDs(b, c.source)
	b = strconv.AppendBool(append(b, `,"readOnly":`...), c.read)
	if c.resources.texts != nil {
		b = r.appendValue(append(b, `,"resources":`...), c.resources, e)
	}
	b = append(append(append(b, `,"eventType":"`...), c.kind...), '"')
	b = r.appendTail(b, c.data == "")
	if h.via == "" {
		b = r.appendEndpoint(b, e)
		b = r.appendTLS(b, c, h.region)
	}
	if h.by == "console" && !isLogin(h) {
		b = append(b, `,"sessionCredentialFromConsole":"true"`...)
	}
	return append(b, '}')
}

func (r *recorder) appendHead(b []byte, c *call, at time.Time, region string) []byte {
	b = appendTime(append(b, `,"eventTime":"`...), at)
	b = append(append(b, `","eventSource":"`...), c.source...)
	b = append(append(b, `","eventName":"`...), c.event...)
	return append(append(append(b, `","awsRegion":"`...), region...), '"')
}

// appendTail appends the fields that say whose event of which category it is.
func (r *recorder) appendTail(b []byte, management bool) []byte {
	b = strconv.AppendBool(append(b, `,"managementEvent":`...), management)
	b = append(append(append(b, `,"recipientAccountId":"`...), r.w.options.AccountID...), `","eventCategory":"`...)
	if management {
		return append(b, `Management"`...)
	}
	return append(b, `Data"`...)
}

// appendOrigin appends where the call came from. A service that calls for somebody is
// its own address.
func (r *recorder) appendOrigin(b []byte, e event) []byte {
	p, via := e.habit.owner, e.habit.via
	if via != "" {
		b = append(append(b, `,"sourceIPAddress":"`...), via...)
		return append(append(append(b, `","userAgent":"`...), via...), '"')
	}
	n := jitter(p.number, e.at.Truncate(sessionLength))
	b = append(b, `,"sourceIPAddress":"`...)
	if p.Hours == "office" || e.habit.by == "console" {
		b = strconv.AppendInt(append(b, "203.0.113."...), int64(n%200)+10, 10)
	} else {
		b = strconv.AppendInt(append(b, "10.20."...), int64(n%250), 10)
		b = strconv.AppendInt(append(b, '.'), int64(n/250%250), 10)
	}
	b = append(b, `","userAgent":"`...)
	if e.habit.by == "console" {
		return append(b, browser+`"`...)
	}
	b = append(b, agents[int(hash(0, p.Name)%uint64(len(agents)))]...)
	return append(append(append(b, " md/command#"...), e.habit.call.event...), '"')
}

const browser = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"

var agents = [...]string{
	"aws-sdk-go-v2/1.47.7 ua/2.1 os/linux lang/go#1.26.8 md/GOOS#linux md/GOARCH#arm64 exec-env/AWS_ECS_FARGATE api/client#1.64.8 m/E,g cfg/retry-mode#standard app/shop-platform-services",
	"Boto3/1.40.61 md/Botocore#1.40.61 ua/2.1 os/linux#6.1.155-176.282.amzn2023.x86_64 md/arch#x86_64 lang/python#3.13.9 md/pyimpl#CPython m/b,Z,D cfg/retry-mode#standard Botocore/1.40.61 exec-env/AWS_ECS_FARGATE md/sdk-metrics#off",
	"aws-sdk-java/2.37.3 md/io#sync md/http#Apache ua/2.1 api/core#2.37.x os/Linux#5.10.245 lang/java#21.0.9 md/OpenJDK_64-Bit_Server_VM#21.0.9+10-LTS md/vendor#Amazon.com_Inc. md/en_US exec-env/AWS_ECS_FARGATE m/D,N",
	"aws-cli/2.31.27 md/awscrt#0.28.2 ua/2.1 os/linux#6.8.0-1040-aws md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython m/C,E,b cfg/retry-mode#standard sid/6f1d20c8e4b7 md/installer#exe md/distrib#ubuntu.24 md/prompt#off",
	"APN/1.0 HashiCorp/1.0 Terraform/1.13.4 (+https://www.terraform.io) terraform-provider-aws/6.18.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.39.4 ua/2.1 os/linux lang/go#1.24.9",
	"aws-sdk-js/3.921.0 ua/2.1 os/linux#5.10.244 lang/js md/nodejs#22.20.0 md/crt-avail api/client#3.921.0 app/shop-web cfg/retry-mode#adaptive exec-env/AWS_Lambda_nodejs22.x m/E,N",
}

func (r *recorder) appendDenied(b []byte, e event) []byte {
	code := "AccessDenied"
	if e.habit.call.source == "ec2.amazonaws.com" {
		code = "Client.UnauthorizedOperation"
	}
	b = append(append(append(b, `,"errorCode":"`...), code...), `","errorMessage":"User: `...)
	if p := e.habit.owner; p.role {
		b = append(append(append(b, "arn:aws:sts::"...), r.w.options.AccountID...), ":assumed-role/"...)
		b = append(append(append(b, p.Name...), '/'), r.sessionName(e)...)
	} else {
		b = append(b, p.arn...)
	}
	b = append(append(b, " is not authorized to perform: "...), e.habit.call.action...)
	return append(b, ` with an explicit deny in an identity-based policy"`...)
}

// appendIDs appends requestID and eventID. S3's request ids are of another kind.
func (r *recorder) appendIDs(b []byte, source string) []byte {
	b = append(b, `,"requestID":"`...)
	if source == "s3.amazonaws.com" {
		b = r.appendRandom(b, base36, 16)
	} else {
		b = r.appendUUID(b)
	}
	b = r.appendUUID(append(b, `","eventID":"`...))
	return append(b, '"')
}

// appendEndpoint appends the VPC endpoint that calls from private addresses go through.
func (r *recorder) appendEndpoint(b []byte, e event) []byte {
	if p := e.habit.owner; !p.role || p.Hours == "office" {
		return b
	}
	b = append(b, `,"vpcEndpointId":"vpce-0`...)
	b = strconv.AppendUint(b, hash(r.w.options.Seed, e.habit.call.source)>>4|1<<59, 16)
	return append(append(append(b, `","vpcEndpointAccountId":"`...), r.w.options.AccountID...), '"')
}

func (r *recorder) appendTLS(b []byte, c *call, region string) []byte {
	b = append(b, `,"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"`...)
	service := c.source[:len(c.source)-len(".amazonaws.com")]
	b = append(append(append(b, service...), '.'), region...)
	return append(b, `.amazonaws.com"}`...)
}

func appendTime(b []byte, t time.Time) []byte { return t.UTC().AppendFormat(b, time.RFC3339) }
