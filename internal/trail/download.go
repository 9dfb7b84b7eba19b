package trail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pare-iam/pare/internal/ingest"
)

// How often a download may break off before the object counts as broken, how long the first
// wait is before it goes on, which doubles, and how long nothing may come.
const (
	mostBreaks = 5
	firstWait  = 50 * time.Millisecond
	idleLimit  = time.Minute
)

// Open reads an object that the bucket has listed.
func (b *Bucket) Open(ctx context.Context, o ingest.Object) (io.ReadCloser, error) {
	d := &download{ctx: ctx, bucket: b, object: o, key: strings.TrimPrefix(o.Path(), Scheme+b.place.Bucket+"/")}
	return d, d.open()
}

// download is the bytes of an object. When they break off it goes on from there.
type download struct {
	ctx    context.Context
	bucket *Bucket
	object ingest.Object
	key    string
	at     int64 // bytes read
	breaks int
	err    error         // the download has come to its end, or to nothing
	body   io.ReadCloser // nil: closed
	stop   context.CancelFunc
}

// open asks for the bytes from at on. The SDK makes the call again where that may help.
func (d *download) open() error {
	ctx, stop := context.WithCancel(d.ctx)
	in := &s3.GetObjectInput{Bucket: aws.String(d.bucket.place.Bucket), Key: aws.String(d.key), RequestPayer: d.bucket.payer()}
	if d.object.Tag != "" {
		in.IfMatch = aws.String(d.object.Tag)
	}
	if d.at > 0 {
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", d.at))
	}
	answer, err := d.bucket.s3.GetObject(ctx, in)
	if err != nil {
		stop()
		if d.ctx.Err() != nil {
			return d.ctx.Err()
		}
		return explain(err, subject{need: "s3:GetObject", bucket: d.bucket.place.Bucket})
	}
	d.body, d.stop = answer.Body, stop
	return nil
}

// Read reads on, from a new answer if need be. What ended it once ends it again.
func (d *download) Read(p []byte) (n int, err error) {
	if d.err != nil {
		return 0, d.err
	}
	n, err = d.readOn(p)
	d.err = err
	return n, err
}

func (d *download) readOn(p []byte) (int, error) {
	for {
		n, err := d.read(p)
		d.at += int64(n)
		switch {
		case err == nil:
			return n, nil
		case errors.Is(err, io.EOF) && d.at >= d.object.Size:
			return n, io.EOF
		case d.ctx.Err() != nil:
			return n, d.ctx.Err()
		}
		if err := d.again(err); err != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

// read reads from the answer at hand, not longer than the limit.
func (d *download) read(p []byte) (int, error) {
	timer := time.AfterFunc(idleLimit, d.stop)
	defer timer.Stop()
	return d.body.Read(p)
}

// again opens the object anew after a break.
func (d *download) again(wrong error) error {
	_ = d.Close() // it is broken already
	if d.breaks++; d.breaks > mostBreaks {
		return &Error{Message: fmt.Sprintf("the download broke off %d times, the last after %d of %d bytes: %v", d.breaks, d.at, d.object.Size, wrong)}
	}
	timer := time.NewTimer(firstWait << (d.breaks - 1))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.ctx.Done():
		return d.ctx.Err()
	}
	return d.open()
}

// Close ends the download.
func (d *download) Close() error {
	if d.body == nil {
		return nil
	}
	body := d.body
	d.body = nil
	d.stop()
	return body.Close()
}
