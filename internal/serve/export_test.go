package serve

// Address is where the server listens, whatever URL people type.
func (s *Service) Address() string { return s.listener.Addr().String() }
