// Command ctlog is a certificate transparency log for tests: TesseraCT as a library, with everything in one folder.
package main

import (
	"context"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	antispam "github.com/transparency-dev/tessera/storage/posix/antispam"
	"github.com/transparency-dev/tesseract"
	"github.com/transparency-dev/tesseract/storage"
	issuers "github.com/transparency-dev/tesseract/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

var (
	address = flag.String("address", "127.0.0.1:6962", "where to listen")
	origin  = flag.String("origin", "127.0.0.1", "name of the log: host and path of its URL")
	folder  = flag.String("dir", "", "folder of the log")
	keyFile = flag.String("key", "", "EC private key, PEM (SEC1)")
	roots   = flag.String("roots", "", "accepted roots, PEM")
)

func main() {
	flag.Parse()
	ctx := context.Background()
	signer, err := privateKey(*keyFile)
	if err != nil {
		log.Fatalf("key: %v", err)
	}
	accepted := tesseract.ChainValidationConfig{RootsPEMFile: *roots, ExtKeyUsages: "CodeSigning"}
	limits := tesseract.LogHandlerOpts{DedupRL: -1, MaxCertChainBytes: 512 << 10}
	handler, err := tesseract.NewLogHandler(ctx, *origin, signer, accepted, open, 10*time.Second, false, "", limits)
	if err != nil {
		log.Fatalf("log: %v", err)
	}
	server := http.Server{Addr: *address, Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// open makes the storage; it is called with the signer of checkpoints.
func open(ctx context.Context, signer note.Signer) (*storage.CTStorage, error) {
	driver, err := posix.New(ctx, posix.Config{Path: *folder})
	if err != nil {
		return nil, err
	}
	seen, err := antispam.NewAntispam(ctx, filepath.Join(*folder, ".state", "antispam"), antispam.AntispamOpts{})
	if err != nil {
		return nil, err
	}
	options := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithCTLayout().WithAntispam(4096, seen).
		WithCheckpointInterval(500*time.Millisecond).WithBatching(64, 20*time.Millisecond)
	appender, _, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return nil, err
	}
	chains, err := issuers.NewIssuerStorage(ctx, *folder)
	if err != nil {
		return nil, err
	}
	// A timestamp is given as soon as a certificate has its number: no client of the tests asks for its inclusion.
	return storage.NewCTStorage(ctx, &storage.CTStorageOptions{Appender: appender, Reader: reader, IssuerStorage: chains})
}

func privateKey(path string) (crypto.Signer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errors.New("not PEM")
	}
	return x509.ParseECPrivateKey(block.Bytes)
}
