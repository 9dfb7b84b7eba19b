package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/pare-iam/pare/internal/login"
	"github.com/pare-iam/pare/internal/serve"
	"github.com/pare-iam/pare/internal/store"
)

func newServeUsersCommand(in *serveInput) *cobra.Command {
	return group("users", "Who has access keys and tokens, and their roles",
		&cobra.Command{
			Use: "list", Short: "List users and their roles", Example: "  pare serve users list", Args: noArguments,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return in.withStore(cmd, func(ctx context.Context, s *store.Store) error {
					table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
					fmt.Fprintln(table, "USER\tROLE\tSINCE")
					err := everyUser(ctx, s, func(u store.Person) error {
						_, err := fmt.Fprintf(table, "%s\t%s\t%s\n", u.Name, u.Role, day(u.CreatedAt))
						return err
					})
					return errors.Join(err, table.Flush())
				})
			},
		},
		newUsersSetCommand(in),
		&cobra.Command{
			Use: "delete NAME", Short: "Delete a user with all their keys, tokens and sessions", Example: "  pare serve users delete ann", Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return in.withStore(cmd, func(ctx context.Context, s *store.Store) error { return s.DeleteUser(ctx, typist(), args[0]) })
			},
		})
}

func newUsersSetCommand(in *serveInput) *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use:     "set NAME --role ROLE",
		Short:   "Make a user, or give one another role",
		Example: "  pare serve users set ci --role operator",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return in.withStore(cmd, func(ctx context.Context, s *store.Store) error {
				u, err := s.User(ctx, args[0])
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					return err
				}
				u.Name, u.Role = args[0], store.UserRole(role)
				return s.PutUser(ctx, typist(), u)
			})
		},
	}
	cmd.Flags().StringVar(&role, "role", "", "the `role`: viewer, reviewer, operator or admin")
	return cmd
}

func newServePasswordCommand() *cobra.Command {
	var role string
	cmd := &cobra.Command{
		Use:   "password NAME --role ROLE",
		Short: "Print a line for the password file",
		Long: `Reads a password from standard input, which isn't shown if it is a terminal that can be told
so, and prints the line of the password file (login.password_file) for it: the name, the role
and what argon2id makes of the password. The file must be readable by its owner alone.`,
		Example: `  pare serve password ann --role admin >> passwords
  pass show pare/ann | pare serve password ann --role admin >> passwords`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := readPassword(cmd)
			if err != nil {
				return err
			}
			line, err := login.NewPasswordLine(args[0], store.UserRole(role), password)
			if err != nil {
				return usageError{err}
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), line.String())
			return err
		},
	}
	cmd.Flags().StringVar(&role, "role", string(store.Viewer), "the `role`: viewer, reviewer, operator or admin")
	return cmd
}

// readPassword reads a line. On a terminal it says what is wanted.
func readPassword(cmd *cobra.Command) (string, error) {
	if f, ok := cmd.InOrStdin().(*os.File); ok && isatty.IsTerminal(f.Fd()) {
		fmt.Fprint(cmd.ErrOrStderr(), "Password (12 characters or more; it is shown while you type): ")
	}
	line, err := bufio.NewReader(cmd.InOrStdin()).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return strings.TrimRight(line, "\r\n"), nil
}

func newServeBackupCommand(in *serveInput) *cobra.Command {
	return &cobra.Command{
		Use:   "backup FILE",
		Short: "Write the SQLite database, as it is now, into a new file",
		Long: `Writes the database into a file that isn't there yet, while the server goes on. The key file
isn't in it: keep it elsewhere, since access keys are of no use without it. A Postgres is
backed up by pg_dump.`,
		Example: "  pare serve backup --config pare.yaml /backup/pare-$(date +%F).db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return in.withStore(cmd, func(ctx context.Context, s *store.Store) error {
				err := s.Backup(ctx, args[0])
				if errors.Is(err, store.ErrConflict) {
					return hintError{err, "a backup never replaces a file: name another"}
				}
				return err
			})
		},
	}
}

func newServeRestoreCommand(in *serveInput) *cobra.Command {
	return &cobra.Command{
		Use:   "restore FILE",
		Short: "Make the SQLite database from a backup",
		Long: `Makes the database of a backup, after having looked whether it is sound. A database that is
there is never replaced: stop the server and move it away first.`,
		Example: "  pare serve restore --config pare.yaml /backup/pare-2026-11-01.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, _, err := in.load(cmd)
			if err != nil {
				return err
			}
			err = serve.Restore(cmd.Context(), &c, args[0])
			if errors.Is(err, store.ErrConflict) {
				return hintError{err, "stop the server, move the database away, and restore again"}
			}
			return plainError(err)
		},
	}
}
