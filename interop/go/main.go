// go-jose: reads a job from each line of standard input and writes an answer to each line of standard output, both JSON.
// The protocol is in interop/driver/jobs.py.
package main

import (
	"bufio"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/go-jose/go-jose/v4"
)

const module = "github.com/go-jose/go-jose/v4"

// Octets in JSON are standard base64, which is how encoding/json reads and writes []byte.
type job struct {
	Op      string         `json:"op"`
	Alg     string         `json:"alg"`
	Key     []byte         `json:"key"`
	Chain   [][]byte       `json:"chain"`
	Header  map[string]any `json:"header"`
	Payload []byte         `json:"payload"`
	Value   string         `json:"value"`
}

type answer map[string]any

func sign(j job) (answer, error) {
	key, err := x509.ParsePKCS8PrivateKey(j.Key)
	if err != nil {
		return nil, err
	}
	options := &jose.SignerOptions{}
	for name, value := range j.Header {
		if seconds, ok := value.(float64); ok {
			value = int64(seconds) // go-jose writes a float64 with an exponent, and `iat` is a whole number
		}
		if name != "alg" { // the signer writes it
			options.WithHeader(jose.HeaderKey(name), value)
		}
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(j.Alg), Key: key}, options)
	if err != nil {
		return nil, err
	}
	jws, err := signer.Sign(j.Payload)
	if err != nil {
		return nil, err
	}
	value, err := jws.DetachedCompactSerialize()
	return answer{"value": value}, err
}

func verify(j job) (answer, error) {
	leaf, err := x509.ParseCertificate(j.Chain[0])
	if err != nil {
		return nil, err
	}
	jws, err := jose.ParseDetached(j.Value, j.Payload, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(j.Alg)})
	if err == nil {
		err = jws.DetachedVerify(j.Payload, leaf.PublicKey)
	}
	if err != nil {
		return answer{"valid": false, "reason": err.Error()}, nil
	}
	return answer{"valid": true}, nil
}

func version(job) (answer, error) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil, errors.New("the program does not know what it was built from")
	}
	for _, dependency := range info.Deps {
		if dependency.Path == module {
			return answer{"name": "go-jose", "version": dependency.Version, "runtime": "Go " + runtime.Version()[2:]}, nil
		}
	}
	return nil, errors.New("the program was built without " + module)
}

func main() {
	operations := map[string]func(job) (answer, error){"sign": sign, "verify": verify, "version": version}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20) // a job holds certificates and CRLs
	output := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var j job
		err := json.Unmarshal(lines.Bytes(), &j)
		var found answer
		if operation, known := operations[j.Op]; err == nil && known {
			found, err = operation(j)
		} else if err == nil {
			err = fmt.Errorf("no such op: %q", j.Op)
		}
		if err != nil {
			found = answer{"error": err.Error()}
		}
		if err := output.Encode(found); err != nil {
			panic(err)
		}
	}
	if err := lines.Err(); err != nil {
		panic(err)
	}
}
