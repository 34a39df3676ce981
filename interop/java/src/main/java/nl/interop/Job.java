package nl.interop;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;

import org.jose4j.json.JsonUtil;
import org.jose4j.lang.JoseException;

/** One line of the protocol in interop/driver/jobs.py. What a job lacks raises, for a job that is not understood proves nothing. */
record Job(Map<String, Object> members) {

    static Job parse(String line) throws JoseException {
        return new Job(JsonUtil.parseJson(line));
    }

    /** A field line of the message. */
    record Field(String name, String value) {}

    String text(String name) {
        return (String) required(name);
    }

    byte[] octets(String name) {
        return Base64.getDecoder().decode(text(name));
    }

    boolean has(String name) {
        return members.get(name) != null;
    }

    @SuppressWarnings("unchecked") // JSON objects have texts as names
    Map<String, Object> object(String name) {
        return (Map<String, Object>) required(name);
    }

    List<String> texts(String name) {
        List<String> found = new ArrayList<>();
        for (Object item : (List<?>) required(name)) {
            found.add((String) item);
        }
        return found;
    }

    List<byte[]> octetsOfEach(String name) {
        return texts(name).stream().map(Base64.getDecoder()::decode).toList();
    }

    List<Field> fields() {
        List<Field> found = new ArrayList<>();
        for (Object item : (List<?>) required("fields")) {
            List<?> pair = (List<?>) item;
            found.add(new Field((String) pair.get(0), (String) pair.get(1)));
        }
        return found;
    }

    List<X509Certificate> certificates(String name) throws GeneralSecurityException {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        List<X509Certificate> found = new ArrayList<>();
        for (byte[] der : octetsOfEach(name)) {
            found.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(der)));
        }
        return found;
    }

    /** The signer's certificate. */
    X509Certificate leaf() throws GeneralSecurityException {
        return certificates("chain").get(0);
    }

    PrivateKey key() throws GeneralSecurityException {
        String kind = "ES256".equals(text("alg")) ? "EC" : "RSA";
        return KeyFactory.getInstance(kind).generatePrivate(new PKCS8EncodedKeySpec(octets("key")));
    }

    /** The version of a library that is on the class path, as its own jar states it. */
    static String versionOf(String group, String artifact) throws IOException {
        String path = "/META-INF/maven/" + group + "/" + artifact + "/pom.properties";
        try (InputStream stream = Job.class.getResourceAsStream(path)) {
            Properties properties = new Properties();
            properties.load(stream);
            return properties.getProperty("version");
        }
    }

    private Object required(String name) {
        Object value = members.get(name);
        if (value == null) {
            throw new IllegalArgumentException("the job has no " + name);
        }
        return value;
    }
}
