package analyzer

// inOrder does n jobs with several workers and hands the results on in order. At most
// 4 × workers results wait. It stops at the first error of next.
func inOrder[T any](n, workers int, do func(i int) T, next func(T) error) error {
	type job struct {
		i   int
		out chan<- T
	}
	workers = max(1, workers)
	stop := make(chan struct{})
	defer close(stop)
	jobs := make(chan job)
	results := make(chan (<-chan T), 4*workers)
	for range workers {
		go func() {
			for j := range jobs {
				j.out <- do(j.i)
			}
		}()
	}
	go func() {
		defer close(results)
		defer close(jobs)
		for i := range n {
			out := make(chan T, 1)
			select {
			case results <- out:
			case <-stop:
				return
			}
			jobs <- job{i, out}
		}
	}()
	for out := range results {
		if err := next(<-out); err != nil {
			return err
		}
	}
	return nil
}
