package nl.interop;

import java.security.Signature;
import java.security.spec.MGF1ParameterSpec;
import java.security.spec.PSSParameterSpec;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import eu.europa.esig.dss.enumerations.DigestAlgorithm;
import eu.europa.esig.dss.enumerations.EncryptionAlgorithm;
import eu.europa.esig.dss.enumerations.Indication;
import eu.europa.esig.dss.enumerations.JWSSerializationType;
import eu.europa.esig.dss.enumerations.SigDMechanism;
import eu.europa.esig.dss.enumerations.SignatureAlgorithm;
import eu.europa.esig.dss.enumerations.SignatureLevel;
import eu.europa.esig.dss.enumerations.SignaturePackaging;
import eu.europa.esig.dss.jades.HTTPHeader;
import eu.europa.esig.dss.jades.HTTPHeaderDigest;
import eu.europa.esig.dss.jades.JAdESSignatureParameters;
import eu.europa.esig.dss.jades.JAdESSigningTimeType;
import eu.europa.esig.dss.jades.signature.JAdESService;
import eu.europa.esig.dss.model.DSSDocument;
import eu.europa.esig.dss.model.InMemoryDocument;
import eu.europa.esig.dss.model.SignatureValue;
import eu.europa.esig.dss.model.ToBeSigned;
import eu.europa.esig.dss.model.x509.CertificateToken;
import eu.europa.esig.dss.simplereport.SimpleReport;
import eu.europa.esig.dss.spi.DSSUtils;
import eu.europa.esig.dss.spi.validation.CommonCertificateVerifier;
import eu.europa.esig.dss.spi.x509.CommonCertificateSource;
import eu.europa.esig.dss.spi.x509.CommonTrustedCertificateSource;
import eu.europa.esig.dss.spi.x509.revocation.crl.ExternalResourcesCRLSource;
import eu.europa.esig.dss.validation.SignedDocumentValidator;
import eu.europa.esig.dss.validation.reports.Reports;

/**
 * EU DSS, the reference implementation of JAdES: it builds and reads the protected header itself, computes the digest of the
 * body itself, and validates with its default policy, our trust anchor, and the CRLs that it is handed. It opens no connection.
 */
final class DssPeer implements Peer {

    @Override
    public String name() {
        return "EU DSS";
    }

    @Override
    public String version() throws Exception {
        return Job.versionOf("eu.europa.ec.joinup.sd-dss", "dss-jades");
    }

    @Override
    public String sign(Job job) throws Exception {
        SignatureAlgorithm algorithm = SignatureAlgorithm.forJWA(job.text("alg"));
        List<CertificateToken> chain = tokens(job, "chain");
        JAdESSignatureParameters parameters = new JAdESSignatureParameters();
        parameters.setSignatureLevel(SignatureLevel.JAdES_BASELINE_B);
        parameters.setSignaturePackaging(SignaturePackaging.DETACHED);
        parameters.setJwsSerializationType(JWSSerializationType.COMPACT_SERIALIZATION);
        parameters.setSigningCertificate(chain.get(0));
        parameters.setCertificateChain(chain);
        // After the certificate, which makes RS256 of it.
        parameters.setDigestAlgorithm(algorithm.getDigestAlgorithm());
        parameters.setEncryptionAlgorithm(algorithm.getEncryptionAlgorithm());
        parameters.setSigningCertificateDigestMethod(DigestAlgorithm.valueOf(job.text("reference")));
        parameters.setJadesSigningTimeType(JAdESSigningTimeType.valueOf(job.text("signing_time")));
        parameters.bLevel().setSigningDate(new Date(Long.parseLong(job.text("time")) * 1000));
        boolean throughFields = job.has("pars");
        parameters.setSigDMechanism(throughFields ? SigDMechanism.HTTP_HEADERS : SigDMechanism.NO_SIG_D);
        parameters.setBase64UrlEncodedPayload(!throughFields);

        JAdESService service = new JAdESService(new CommonCertificateVerifier());
        List<DSSDocument> signed = contents(job);
        ToBeSigned octets = service.getDataToSign(signed, parameters);
        SignatureValue value = new SignatureValue(algorithm, raw(job, algorithm, octets.getBytes()));
        return new String(service.signDocument(signed, parameters, value).openStream().readAllBytes());
    }

    @Override
    public Map<String, Object> verify(Job job) throws Exception {
        SignedDocumentValidator validator =
                SignedDocumentValidator.fromDocument(new InMemoryDocument(job.text("value").getBytes()));
        validator.setDetachedContents(contents(job));
        validator.setCertificateVerifier(verifier(job));
        Reports reports = validator.validateDocument();
        SimpleReport report = reports.getSimpleReport();
        String id = report.getFirstSignatureId();
        Map<String, Object> found = new LinkedHashMap<>();
        found.put("valid", report.getIndication(id) == Indication.TOTAL_PASSED);
        found.put("indication", String.valueOf(report.getIndication(id)));
        found.put("sub_indication", String.valueOf(report.getSubIndication(id)));
        found.put("format", String.valueOf(report.getSignatureFormat(id)));
        // What is left where the form is no JAdES: whether the signature itself fits.
        found.put("intact", reports.getDiagnosticData().getSignatureById(id).isSignatureIntact());
        found.put("reason", String.join("; ", report.getAdESValidationErrors(id).stream().map(m -> m.getValue()).toList()));
        found.put("warnings", report.getAdESValidationWarnings(id).stream().map(m -> m.getValue()).toList());
        // The validation report of TS 119 102-2, as a receiver would archive it, says it once more.
        found.put("report", reports.getEtsiValidationReportJaxb().getSignatureValidationReport().get(0)
                .getSignatureValidationStatus().getMainIndication().getUri());
        return found;
    }

    /** What is signed: the fields that `pars` names, the digest computed anew from the body; or the body itself. */
    private static List<DSSDocument> contents(Job job) {
        DSSDocument body = new InMemoryDocument(job.octets("body"));
        List<DSSDocument> found = new ArrayList<>();
        if (!job.has("pars")) {
            found.add(body);
            return found;
        }
        for (String name : job.texts("pars")) {
            if ("digest".equals(name) && !job.has("digest_as_received")) {
                found.add(new HTTPHeaderDigest(body, DigestAlgorithm.SHA256));
            } else if ("(request-target)".equals(name)) {
                found.add(new HTTPHeader(name, job.text("request_target")));
            } else {
                // Under the name in lower case: DSS takes X-Note and x-note for two fields.
                job.fields().stream().filter(field -> field.name().equalsIgnoreCase(name))
                        .forEach(field -> found.add(new HTTPHeader(name, field.value())));
            }
        }
        return found;
    }

    private static CommonCertificateVerifier verifier(Job job) throws Exception {
        CommonTrustedCertificateSource anchors = new CommonTrustedCertificateSource();
        tokens(job, "anchors").forEach(anchors::addCertificate);
        DSSDocument[] crls = job.octetsOfEach("crls").stream().map(InMemoryDocument::new).toArray(DSSDocument[]::new);
        CommonCertificateVerifier verifier = new CommonCertificateVerifier();
        verifier.setTrustedCertSources(anchors);
        verifier.setAdjunctCertSources(new CommonCertificateSource());
        verifier.setCrlSource(new ExternalResourcesCRLSource(crls));
        verifier.setOcspSource(null);
        verifier.setAIASource(null);
        return verifier;
    }

    /** The octets are signed by the JDK: as with a smart card or an HSM, DSS leaves that to somebody else. */
    private static byte[] raw(Job job, SignatureAlgorithm algorithm, byte[] octets) throws Exception {
        Signature signature = Signature.getInstance(switch (algorithm.getEncryptionAlgorithm()) {
            case ECDSA -> "SHA256withECDSA";
            case RSA -> "SHA256withRSA";
            default -> "RSASSA-PSS";
        });
        if (algorithm.getEncryptionAlgorithm() == EncryptionAlgorithm.RSASSA_PSS) {
            signature.setParameter(new PSSParameterSpec("SHA-256", "MGF1", MGF1ParameterSpec.SHA256, 32, 1));
        }
        signature.initSign(job.key());
        signature.update(octets);
        return signature.sign();
    }

    private static List<CertificateToken> tokens(Job job, String name) {
        return job.octetsOfEach(name).stream().map(DSSUtils::loadCertificate).toList();
    }
}
