package jobs

import (
	"context"
	"log/slog"
)

// warnings has River say what it warns of alone: what it says else, every few seconds, is of
// use to River's authors.
func warnings(l *slog.Logger) *slog.Logger { return slog.New(warningHandler{l.Handler()}) }

type warningHandler struct{ slog.Handler }

func (h warningHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && h.Handler.Enabled(ctx, level)
}

func (h warningHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warningHandler{h.Handler.WithAttrs(attrs)}
}

func (h warningHandler) WithGroup(name string) slog.Handler {
	return warningHandler{h.Handler.WithGroup(name)}
}
