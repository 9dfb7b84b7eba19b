package wire

import "fmt"

// tagged reads the analyzer whose ARN is in the path.
func (c *call) tagged(v *validation) (Ref, error) {
	text := c.r.PathValue("resourceArn")
	ref := c.analyzer(v, "resourceArn", text)
	if err := v.err(); err != nil {
		return ref, err
	}
	return ref, c.own(ref, text)
}

func listTags(c *call) (any, error) {
	var v validation
	ref, err := c.tagged(&v)
	if err != nil {
		return nil, err
	}
	a, err := c.o.Backend.Analyzer(c.ctx(), ref)
	return struct {
		Tags map[string]string `json:"tags"`
	}{a.Tags}, err
}

func tagResource(c *call) (any, error) {
	in, err := body[struct {
		Tags map[string]string `json:"tags"`
	}](c)
	if err != nil {
		return nil, err
	}
	var v validation
	if in.Tags == nil {
		v.missing("tags")
	}
	v.tags("tags", in.Tags)
	ref, err := c.tagged(&v)
	if err != nil {
		return nil, err
	}
	return struct{}{}, c.o.Backend.TagAnalyzer(c.ctx(), c.change(""), ref, TagUpdate{Set: in.Tags})
}

func untagResource(c *call) (any, error) {
	var v validation
	keys := c.r.URL.Query()["tagKeys"]
	if len(keys) == 0 {
		v.missing("tagKeys")
	}
	if len(keys) > MaxTags {
		v.fail("tagKeys", fmt.Sprint(len(keys)), "Member must have length less than or equal to %d", MaxTags)
	}
	ref, err := c.tagged(&v)
	if err != nil {
		return nil, err
	}
	return struct{}{}, c.o.Backend.TagAnalyzer(c.ctx(), c.change(""), ref, TagUpdate{Remove: keys})
}
