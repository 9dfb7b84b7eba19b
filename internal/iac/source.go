package iac

// Style is how a policy is given in its file. The zero value is none.
type Style uint8

// The styles.
const (
	DataSource   Style = iota + 1 // aws_iam_policy_document
	JSONEncode                    // jsonencode({…})
	Heredoc                       // <<EOT or <<-EOT, or JSON in a quoted string
	FileFunction                  // file("policy.json")
	TemplateFile                  // templatefile("policy.json.tftpl", {…})
	InTemplate                    // an object in a CloudFormation or SAM template
	PolicyFile                    // a file that is a policy and nothing else
)

// String names the style as messages do: "jsonencode".
func (s Style) String() string {
	switch s {
	case DataSource:
		return "aws_iam_policy_document"
	case JSONEncode:
		return "jsonencode"
	case Heredoc:
		return "heredoc"
	case FileFunction:
		return "file"
	case TemplateFile:
		return "templatefile"
	case InTemplate:
		return "template"
	case PolicyFile:
		return "policy file"
	}
	return "unknown style"
}

// HolderKind is what an inline policy is embedded in. The zero value is nothing.
type HolderKind uint8

// The holders of inline policies.
const (
	Role HolderKind = iota + 1
	User
	Group
	PermissionSet // of IAM Identity Center: its roles have the policy in every account it is provisioned to
)

// String is the word for the holder: "permission set".
func (k HolderKind) String() string {
	switch k {
	case Role:
		return "role"
	case User:
		return "user"
	case Group:
		return "group"
	case PermissionSet:
		return "permission set"
	}
	return "nobody"
}

// Source is a place where a policy is written: the policy of one resource of Terraform or
// of a template, or a policy file.
type Source struct {
	File *File // where the resource stands, or the policy file
	At   int   // byte offset of the resource in it

	// Type is the resource's type: "aws_iam_policy", "AWS::IAM::Role",
	// "AWS::Serverless::Function"; empty for a policy file.
	Type string

	// Address says which policy of the tree it is: "module.app.aws_iam_role.app.inline_policy[0]"
	// with the module's path and without keys of count and for_each, or a template's logical
	// ID with the policy in it, "AppRole.Policies[0]". It is the construct's path for CDK,
	// and empty for a policy file.
	Address string

	// Root is the folder of the root module, "." for the tree's own, or the template's path.
	// Addresses are unique in it.
	Root string

	Style Style

	// Name is the policy's name, a Text perhaps with holes, or one with the hole alone at the
	// end for a name_prefix; nil if the deployment makes one up.
	Name *Value

	// Holder and HolderName are what an inline policy is embedded in; Holder is 0 for a
	// customer managed policy and a policy file. HolderName is like Name; nil if unknown.
	Holder     HolderKind
	HolderName *Value

	// LogicalID and HolderLogicalID are the names that a CloudFormation template has for the
	// policy's resource and for its holder, of which CloudFormation makes names that nobody
	// gave: STACK-LOGICALID-SUFFIX. The holder of SAM's function Fn is FnRole, which SAM
	// makes. Empty for Terraform, and for what isn't in the template.
	LogicalID       string
	HolderLogicalID string

	// Holders are all whom a resource that embeds its policy in several embeds it in: roles,
	// users, groups, each in the order of the file; nil if there is one. Holder and what
	// goes with it is the first.
	Holders []Holder

	// Repeated says that the resource, or a module it is in, has count, for_each or the like,
	// so that several policies may come of it.
	Repeated bool

	// Document is the policy as IAM has it, an Object with Version, Statement and so on,
	// whatever the language calls them. It is nil if Problem says why it isn't known.
	Document *Value

	// Problem says why the policy can't be changed in its file, though it is one, and ProblemAt
	// where: path:line:column. Both are empty if it can be, as far as lists are known.
	Problem   string
	ProblemAt string
}

// Holder is one that an inline policy is embedded in.
type Holder struct {
	Kind      HolderKind
	Name      *Value // a Text perhaps with holes; nil if unknown
	LogicalID string // of a resource of the same template, else empty
}

// Where says path:line:column of the resource.
func (s *Source) Where() string { return s.File.Where(s.At) }

// Title names the source in messages: its address, or its path.
func (s *Source) Title() string {
	if s.Address == "" {
		return s.File.Path
	}
	return s.Address
}

// Problem is something wrong with a file, which doesn't stop the others.
type Problem struct {
	Where string // path:line:column, or the path
	What  string
}

// String is "where: what".
func (p Problem) String() string { return p.Where + ": " + p.What }
