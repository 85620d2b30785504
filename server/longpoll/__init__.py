"""The socket over plain HTTP requests, as phoenix.js 1.8 speaks it (`longpoll.js`) and Phoenix serves it (`Phoenix.Transports.LongPoll`)."""
