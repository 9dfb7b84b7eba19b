package collect

// AtOnce is options by which no call waits for its bucket.
func AtOnce(o Options) Options {
	o.speed = 1e6
	return o
}
