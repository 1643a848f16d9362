// Greets whoever a JSON input names; any other input comes back as it came. The standard library
// is enough to speak Fn's http-stream contract.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

type input struct {
	Name    string `json:"name"`
	DelayMs int    `json:"delay_ms"`
}

type greeting struct {
	Message  string   `json:"message"`
	CallID   string   `json:"call_id"`
	Attempt  int      `json:"attempt"`
	Deadline string   `json:"deadline"`
	Tags     []string `json:"tags"`
}

func greet(given input, w http.ResponseWriter, call http.Header) error {
	w.Header().Set("Content-Type", "application/json")
	if given.Name == "" {
		w.Header().Set("Fn-Http-Status", "400")
		return json.NewEncoder(w).Encode(map[string]string{"error": "name is missing"})
	}
	time.Sleep(time.Duration(given.DelayMs) * time.Millisecond)
	word := os.Getenv("GREETING")
	if word == "" {
		word = "Hello"
	}
	attempt, err := strconv.Atoi(call.Get("Fn-Attempt"))
	if err != nil {
		return err
	}
	w.Header().Set("X-Greeted", given.Name)
	return json.NewEncoder(w).Encode(greeting{
		Message:  fmt.Sprintf("%s, %s!", word, given.Name),
		CallID:   call.Get("Fn-Call-Id"),
		Attempt:  attempt,
		Deadline: call.Get("Fn-Deadline"),
		Tags:     call.Values("X-Tag"),
	})
}

func answer(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	log.Printf("go: call %s: %d bytes", r.Header.Get("Fn-Call-Id"), len(body))
	kind := r.Header.Get("Content-Type")
	if kind == "application/json" {
		var given input
		if err := json.Unmarshal(body, &given); err != nil {
			return err
		}
		return greet(given, w, r.Header)
	}
	if kind == "" {
		kind = "application/octet-stream"
	}
	w.Header().Set("Content-Type", kind)
	_, err = w.Write(body)
	return err
}

func main() {
	path := strings.TrimPrefix(os.Getenv("FN_LISTENER"), "unix:")
	// The caller connects as soon as the name appears: it must not, before the socket is ready.
	listener, err := net.Listen("unix", path+".tmp")
	if err == nil {
		err = os.Chmod(path+".tmp", 0666) // the caller is another user
	}
	if err == nil {
		err = os.Rename(path+".tmp", path)
	}
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := answer(w, r); err != nil {
			log.Print(err)
			http.Error(w, err.Error(), http.StatusBadGateway) // 502: the function has failed
		}
	})))
}
