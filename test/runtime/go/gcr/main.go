// A registry of google/go-containerregistry for tests, with what it leaves to others: a password, TLS and a place for blobs.
package main

import (
	"crypto/subtle"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:5000", "host:port")
	folder := flag.String("folder", "", "keep blobs in this folder instead of memory")
	certificate := flag.String("cert", "", "PEM file; serves TLS")
	key := flag.String("key", "", "PEM file of the certificate's key")
	user := flag.String("user", "", "ask for basic authentication; the password is read from REGISTRY_PASSWORD")
	ollama := flag.Bool("ollama", false, "add the headers without which Ollama's own client cannot pull or push")
	blobs := flag.String("blobs", "", "port of 127.0.0.1 that blobs are fetched from: the registry redirects there, as Ollama's does")
	flag.Parse()

	options := []registry.Option{}
	if *folder != "" {
		options = append(options, registry.WithBlobHandler(registry.NewDiskBlobHandler(*folder)))
	}
	handler := registry.New(options...)
	if *ollama {
		handler = forOllama(handler)
	}
	if *blobs != "" {
		go serveBlobs(net.JoinHostPort("127.0.0.1", *blobs), *folder)
		handler = withRedirects(handler, *blobs)
	}
	if *user != "" {
		handler = withPassword(handler, *user, os.Getenv("REGISTRY_PASSWORD"))
	}
	if *certificate != "" {
		log.Fatal(http.ListenAndServeTLS(*listen, *certificate, *key, handler))
	}
	log.Fatal(http.ListenAndServe(*listen, handler))
}

func withPassword(next http.Handler, user, password string) http.Handler {
	equal := func(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, word, given := r.BasicAuth()
		if given && equal(name, user) && equal(word, password) {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="go-containerregistry"`)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`))
	})
}

// Files as they lie, any range of them; the registry's own way hashes a blob anew for every range.
func serveBlobs(address, folder string) {
	files := http.FileServer(http.Dir(folder))
	log.Fatal(http.ListenAndServe(address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Printf("%s %s", r.Method, r.URL)
		files.ServeHTTP(w, r)
	})))
}

// By another name of the same host, since Ollama's client stops at the first redirect to another name only.
func withRedirects(next http.Handler, port string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, hex, isBlob := strings.Cut(r.URL.Path, "/blobs/sha256:")
		if !isBlob || r.Method != http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		log.Printf("%s %s", r.Method, r.URL)
		http.Redirect(w, r, "http://"+net.JoinHostPort("localhost", port)+"/sha256/"+hex, http.StatusTemporaryRedirect)
	})
}

// Ollama's client takes a blob from where a Location header points, also when there was no redirect, and follows only
// absolute ones when it uploads.
func forOllama(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/sha256:") {
			w.Header().Set("Location", r.URL.Path)
		}
		next.ServeHTTP(&absoluteLocation{w, r}, r)
	})
}

type absoluteLocation struct {
	http.ResponseWriter
	request *http.Request
}

func (w *absoluteLocation) WriteHeader(status int) {
	location := w.Header().Get("Location")
	if strings.HasPrefix(location, "/") && w.request.Method != http.MethodGet {
		scheme := "http"
		if w.request.TLS != nil {
			scheme = "https"
		}
		w.Header().Set("Location", scheme+"://"+w.request.Host+location)
	}
	w.ResponseWriter.WriteHeader(status)
}
