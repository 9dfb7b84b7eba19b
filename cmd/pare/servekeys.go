package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/serve"
	"github.com/pare-iam/pare/internal/store"
)

// withStore opens the server's database for a command, which may run beside the server.
func (in *serveInput) withStore(cmd *cobra.Command, do func(ctx context.Context, s *store.Store) error) (err error) {
	c, _, err := in.load(cmd)
	if err != nil {
		return err
	}
	s, _, err := serve.OpenStore(cmd.Context(), &c)
	if err != nil {
		return plainError(err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	err = do(cmd.Context(), s)
	switch {
	case errors.Is(err, store.ErrInvalid):
		return usageError{err}
	case errors.Is(err, store.ErrNotFound):
		return hintError{err, "`pare serve users list` and the lists of keys and tokens show what there is"}
	}
	return err
}

// typist is who types, for the audit log.
func typist() store.By {
	name := "command line"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "command line"
	}
	return store.By{Who: name, Origin: host, At: time.Now()}
}

// everyUser calls f with all users, by name.
func everyUser(ctx context.Context, s *store.Store, f func(store.Person) error) error {
	return everyItem(func(p store.Page) (store.Part[store.Person], error) { return s.Users(ctx, p) }, f)
}

// everyItem calls f with all items of a list.
func everyItem[T any](part func(store.Page) (store.Part[T], error), f func(T) error) error {
	for page := (store.Page{}); ; {
		got, err := part(page)
		if err != nil {
			return err
		}
		for _, item := range got.Items {
			if err := f(item); err != nil {
				return err
			}
		}
		if page.Token = got.Next; page.Token == "" {
			return nil
		}
	}
}

func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: use, Short: short, Args: knownCommand, RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.SuggestionsMinimumDistance = 2
	cmd.AddCommand(subs...)
	return cmd
}

func newServeKeysCommand(in *serveInput) *cobra.Command {
	return group("keys", "Access keys that AWS's clients sign with",
		newKeysCreateCommand(in),
		&cobra.Command{
			Use: "list", Short: "List access keys, without their secrets", Example: "  pare serve keys list", Args: noArguments,
			RunE: func(cmd *cobra.Command, _ []string) error { return in.withStore(cmd, listKeys(cmd)) },
		},
		&cobra.Command{
			Use: "delete ID", Short: "Delete an access key", Example: "  pare serve keys delete AKIA…", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return in.withStore(cmd, func(ctx context.Context, s *store.Store) error { return s.RemoveKey(ctx, typist(), args[0]) })
			},
		})
}

// holder says whose a key or token is.
type holder struct{ user, role string }

func (h *holder) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&h.user, "user", "", "`name` of who it is for; made if there is nobody of that name")
	cmd.Flags().StringVar(&h.role, "role", "", "`role` of who is made: viewer, reviewer, operator or admin (default viewer)")
}

// ensure makes the user if there is none. One who is there has the role that they have.
func (h *holder) ensure(ctx context.Context, s *store.Store) error {
	if h.user == "" {
		return usageError{hintError{errors.New("no --user: want the name of who it is for"), "--user ci --role reviewer"}}
	}
	there, err := s.User(ctx, h.user)
	switch {
	case err == nil && h.role != "" && store.UserRole(h.role) != there.Role:
		return usageError{hintError{fmt.Errorf("%s is there already, as %s", h.user, there.Role), fmt.Sprintf("pare serve users set %s --role %s", h.user, h.role)}}
	case errors.Is(err, store.ErrNotFound):
		return s.PutUser(ctx, typist(), store.Person{Name: h.user, Role: store.UserRole(cmp.Or(h.role, string(store.Viewer)))})
	}
	return err
}

func newKeysCreateCommand(in *serveInput) *cobra.Command {
	var h holder
	cmd := &cobra.Command{
		Use:   "create --user NAME [--role ROLE]",
		Short: "Make an access key; its secret is shown once",
		Example: `  pare serve keys create --user ci --role reviewer
  pare serve keys create --config pare.yaml --user terraform --role admin`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return in.withStore(cmd, func(ctx context.Context, s *store.Store) error {
				if err := h.ensure(ctx, s); err != nil {
					return err
				}
				key, secret := serve.NewAccessKey(h.user)
				if err := s.AddKey(ctx, typist(), key, secret); err != nil {
					return err
				}
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "export AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\n", key.ID, secret)
				return err
			})
		},
	}
	h.addFlags(cmd)
	return cmd
}

func listKeys(cmd *cobra.Command) func(context.Context, *store.Store) error {
	return func(ctx context.Context, s *store.Store) error {
		table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "KEY\tUSER\tROLE\tCREATED")
		err := everyUser(ctx, s, func(u store.Person) error {
			return everyItem(func(p store.Page) (store.Part[store.AccessKey], error) { return s.Keys(ctx, u.Name, p) }, func(k store.AccessKey) error {
				_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", k.ID, u.Name, u.Role, day(k.CreatedAt))
				return err
			})
		})
		return errors.Join(err, table.Flush())
	}
}

func newServeTokensCommand(in *serveInput) *cobra.Command {
	return group("tokens", "Tokens that programs send to the dashboard's pages and exports",
		newTokensCreateCommand(in),
		&cobra.Command{
			Use: "list", Short: "List tokens, without their secrets", Example: "  pare serve tokens list", Args: noArguments,
			RunE: func(cmd *cobra.Command, _ []string) error { return in.withStore(cmd, listTokens(cmd)) },
		},
		&cobra.Command{
			Use: "delete ID", Short: "Delete a token", Example: "  pare serve tokens delete 3f9c…", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return in.withStore(cmd, func(ctx context.Context, s *store.Store) error { return s.RemoveToken(ctx, typist(), args[0]) })
			},
		})
}

func newTokensCreateCommand(in *serveInput) *cobra.Command {
	var h holder
	var label string
	valid := windowFlag{days: defaultDays}
	cmd := &cobra.Command{
		Use:     "create --user NAME [--role ROLE]",
		Short:   "Make a token; it is shown once",
		Example: "  pare serve tokens create --user export --label 'nightly export' --valid 365d",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return in.withStore(cmd, func(ctx context.Context, s *store.Store) error {
				if err := h.ensure(ctx, s); err != nil {
					return err
				}
				by := typist()
				id, secret := login.NewToken()
				t := store.APIToken{ID: id, User: h.user, Label: label, CreatedAt: by.At, ExpiresAt: by.At.Add(valid.age())}
				if err := s.AddToken(ctx, by, t, secret); err != nil {
					return err
				}
				_, err := fmt.Fprintln(cmd.OutOrStdout(), secret)
				return err
			})
		},
	}
	h.addFlags(cmd)
	cmd.Flags().StringVar(&label, "label", "", "`words` that say what it is for")
	cmd.Flags().Var(&valid, "valid", "for how long: 1d to 365d, or weeks as in 12w")
	return cmd
}

func listTokens(cmd *cobra.Command) func(context.Context, *store.Store) error {
	return func(ctx context.Context, s *store.Store) error {
		table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "TOKEN\tUSER\tROLE\tUNTIL\tLABEL")
		err := everyUser(ctx, s, func(u store.Person) error {
			return everyItem(func(p store.Page) (store.Part[store.APIToken], error) { return s.Tokens(ctx, u.Name, p) }, func(t store.APIToken) error {
				_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", t.ID, u.Name, u.Role, day(t.ExpiresAt), forTerminal(t.Label))
				return err
			})
		})
		return errors.Join(err, table.Flush())
	}
}
