//! Which tokens are taken and which are not: a table of attacks, mistakes and good tokens.

use crate::idp::{
    AUDIENCE, CANARY, ISSUER, Idp, NOW, b64, good, hmac, keys, kid, outcome, public_key_forms, raw, rsa_jwk, sign,
    token, with,
};
use crate::world::START;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use portolan::auth::{IssuerSetting, Issuers, LocalKeys, PublicKey, TrustedIssuer};
use portolan::clock::Clock;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;

/// The modulus of an RSA key of 1024 bits, and a token that it really signed (made with openssl).
const RSA_1024: &str = "rR9VyEu4PCehJKVTsiJgMUqRC2tNxnFF4qXkocGe8-vI8swtQTcKrXYp05Z6nz7BCx2MnTrepSDkvx_-jwcZ8HX2Xb1DA1GkeOVUY7qmYHTp-VKbN-ENsv3evmuTDE973kiARYAaMei0afEa1AFYHXDWKs0EBiBmCawAt61MwJE";
const TOKEN_OF_RSA_1024: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6InJzYS0xMDI0In0.eyJhdWQiOiJodHRwczovL2Nsb3VkcGFydG5lci5henVyZS5jb20iLCJleHAiOjE3OTUzNDQwMDAsImlzcyI6Imh0dHBzOi8vaWRwLnRlc3QiLCJzdWIiOiJjYW5hcnktNzczMSJ9.P0uPLPXFJxY7kkSZLkiGwJ9gaUYZegEtxeAa4zPlkpiavvotELjHE30tlWw0YHmtuXfdv7y9S9HJZVV_XuCSIx75YWbrwoNI89JsHg9EDmxrRnjHurSqbCxHh00voLXMeg5Ix5tHVV2qklDrfSZq5lkOjlUjsmKu7k8QaknSK3s";

const TAKEN: &str = "taken";
const MALFORMED: &str = "is malformed";
const ALGORITHM: &str = "the algorithm of the token is not accepted";
const HEADER: &str = "the header of the token holds a member";
const TYPE: &str = "not of the type";
const ISSUER_UNKNOWN: &str = "the issuer of the token is not trusted";
const TENANT: &str = "the tenant of the token";
const AUDIENCE_WRONG: &str = "is for another audience. Get one for https://cloudpartner.azure.com";
const EXPIRED: &str = "has expired";
const NOT_YET: &str = "is not yet valid";
const TIMES: &str = "exp, nbf or iat";
const SUBJECT: &str = "does not say who it is for";
const KEY_UNKNOWN: &str = "has no such key";
const KEY_UNFIT: &str = "is not for its algorithm or its issuer";
const SIGNATURE: &str = "the signature of the token is wrong";
const TOO_LONG: &str = "is longer than 16384 bytes";

const TENANT_ID: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OTHER_TENANT_ID: &str = "11111111-2222-3333-4444-555555555555";
const TEMPLATE: &str = "https://login.test/{tenantid}/v2.0";

/// A name, a token, and a part of what is said of it.
type Vector = (String, String, &'static str);

fn vector(name: impl Into<String>, token: impl Into<String>, expected: &'static str) -> Vector {
    (name.into(), token.into(), expected)
}

fn algorithms() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for way in ["RS256", "PS256", "ES256", "EdDSA"] {
        let (header, claims) = good(way);
        vectors.push(vector(format!("good {way}"), raw(&header.to_string(), &claims.to_string(), way), TAKEN));
        for other in ["RS256", "PS256", "ES256", "EdDSA"].into_iter().filter(|other| *other != way) {
            // Signed in one way, said to be another, with either key.
            let expected = if kid(way) == kid(other) { SIGNATURE } else { KEY_UNFIT };
            let lying = with(header.clone(), json!({"alg": other}));
            let lying = raw(&lying.to_string(), &claims.to_string(), way);
            vectors.push(vector(format!("{way} said to be {other}"), lying, expected));
            let lying = with(header.clone(), json!({"alg": other, "kid": kid(other)}));
            let lying = raw(&lying.to_string(), &claims.to_string(), way);
            vectors.push(vector(format!("{way} said to be {other} of its key"), lying, SIGNATURE));
        }
    }
    for none in ["none", "None", "NONE", "nOnE", "noNE", "none ", ""] {
        let header = b64(json!({"alg": none, "typ": "JWT"}).to_string());
        let claims = b64(good("RS256").1.to_string());
        vectors.push(vector(format!("alg {none:?}, unsigned"), format!("{header}.{claims}."), ALGORITHM));
        vectors.push(vector(format!("alg {none:?}, signed"), token(json!({"alg": none}), json!({})), ALGORITHM));
    }
    for (form, secret) in public_key_forms() {
        for alg in ["HS256", "HS384", "HS512"] {
            let header = b64(json!({"alg": alg, "typ": "JWT", "kid": "rsa"}).to_string());
            let signed = format!("{header}.{}", b64(good("RS256").1.to_string()));
            let forged = format!("{signed}.{}", b64(hmac(&secret, &signed)));
            vectors.push(vector(format!("{alg} with the public key as {form}"), forged, ALGORITHM));
            // The same signature under the name of the true algorithm.
            let header = b64(json!({"alg": "RS256", "typ": "JWT", "kid": "rsa"}).to_string());
            let signed = format!("{header}.{}", b64(good("RS256").1.to_string()));
            let forged = format!("{signed}.{}", b64(hmac(&secret, &signed)));
            vectors.push(vector(format!("{alg} {form} said to be RS256"), forged, SIGNATURE));
        }
    }
    for alg in [
        json!("rs256"),
        json!("RS256 "),
        json!(" RS256"),
        json!("RS384"),
        json!("RS512"),
        json!("PS384"),
        json!("PS512"),
        json!("ES384"),
        json!("ES512"),
        json!("ES256K"),
        json!("Ed25519"),
        json!("RSA-OAEP"),
        json!("dir"),
        json!("RS256\u{0}"),
        json!(null),
        json!(256),
        json!(["RS256"]),
        json!({"RS256": null}),
        json!(true),
        json!("-"),
    ] {
        vectors.push(vector(format!("alg {alg}"), token(json!({"alg": alg}), json!({})), ALGORITHM));
    }
    vectors
}

fn headers(url: &str) -> Vec<Vector> {
    let mut vectors = Vec::new();
    for (header, expected) in [
        (json!({"crit": ["exp"]}), HEADER),
        (json!({"crit": []}), HEADER),
        (json!({"crit": null}), HEADER),
        (json!({"crit": ["b64"], "b64": false}), HEADER),
        (json!({"b64": false}), HEADER),
        (json!({"b64": true}), HEADER),
        (json!({"zip": "DEF"}), HEADER),
        (json!({"cty": "JWT"}), HEADER),
        (json!({"jku": format!("{url}/evil")}), HEADER),
        (json!({"x5u": format!("{url}/evil")}), HEADER),
        (json!({"jku": format!("{url}/keys")}), HEADER),
        (json!({"jwk": rsa_jwk(&keys().other_rsa, "rsa")}), HEADER),
        (json!({"jwk": rsa_jwk(&keys().rsa, "rsa")}), HEADER),
        (json!({"x5c": ["MIIB"]}), HEADER),
        (json!({"x5t": "dGh1bWI"}), TAKEN),
        (json!({"x5t#S256": "dGh1bWI"}), TAKEN),
        (json!({"unheard-of": {"a": [1]}}), TAKEN),
        (json!({"typ": "-"}), TAKEN),
        (json!({"typ": "jwt"}), TAKEN),
        (json!({"typ": "JwT"}), TAKEN),
        (json!({"typ": "at+jwt"}), TAKEN),
        (json!({"typ": "AT+JWT"}), TAKEN),
        (json!({"typ": "application/at+jwt"}), TAKEN),
        (json!({"typ": "Application/JWT"}), TAKEN),
        (json!({"typ": "JWE"}), TYPE),
        (json!({"typ": "dpop+jwt"}), TYPE),
        (json!({"typ": "logout+jwt"}), TYPE),
        (json!({"typ": "id_token"}), TYPE),
        (json!({"typ": ""}), TYPE),
        (json!({"typ": "text/jwt"}), TYPE),
        (json!({"typ": "application/application/jwt"}), TYPE),
        (json!({"typ": null}), MALFORMED),
        (json!({"typ": ["JWT"]}), MALFORMED),
        (json!({"kid": "../../../../dev/null"}), KEY_UNKNOWN),
        (json!({"kid": "/keys/rsa"}), KEY_UNKNOWN),
        (json!({"kid": "rsa' OR '1'='1"}), KEY_UNKNOWN),
        (json!({"kid": "rsa'; DROP TABLE due; --"}), KEY_UNKNOWN),
        (json!({"kid": format!("{url}/evil")}), KEY_UNKNOWN),
        (json!({"kid": "RSA"}), KEY_UNKNOWN),
        (json!({"kid": "rsa "}), KEY_UNKNOWN),
        (json!({"kid": "rsa\u{0}"}), KEY_UNKNOWN),
        (json!({"kid": ""}), KEY_UNKNOWN),
        (json!({"kid": "k".repeat(256)}), KEY_UNKNOWN),
        (json!({"kid": "k".repeat(257)}), MALFORMED),
        (json!({"kid": "k".repeat(65_536)}), TOO_LONG),
        (json!({"kid": null}), MALFORMED),
        (json!({"kid": 1}), MALFORMED),
        (json!({"kid": ["rsa"]}), MALFORMED),
        // Two keys fit RS256, one fits ES256.
        (json!({"kid": "-"}), KEY_UNFIT),
        (json!({"kid": "ec"}), KEY_UNFIT),
        (json!({"kid": "ed"}), KEY_UNFIT),
        (json!({"kid": "rsa-pss"}), KEY_UNFIT),
        (json!({"kid": "rsa-other"}), SIGNATURE),
        (json!({"kid": "rsa-enc"}), KEY_UNKNOWN),
        (json!({"kid": "rsa-encrypts"}), KEY_UNKNOWN),
        (json!({"kid": "rsa-verifies"}), TAKEN),
        (json!({"kid": "rsa-private"}), KEY_UNKNOWN),
        (json!({"kid": "rsa-elsewhere"}), KEY_UNFIT),
        (json!({"kid": "twice"}), TAKEN),
        (json!({"kid": "secret"}), KEY_UNKNOWN),
        (json!({"kid": "off-curve", "alg": "ES256"}), KEY_UNKNOWN),
        (json!({"kid": "p-384", "alg": "ES256"}), KEY_UNKNOWN),
    ] {
        let name = format!("header {}", header.to_string().chars().take(80).collect::<String>());
        vectors.push(vector(name, token(header, json!({})), expected));
    }
    let (_, claims) = good("RS256");
    for header in [
        r#"{"alg":"RS256","alg":"RS256","kid":"rsa"}"#,
        r#"{"alg":"none","alg":"RS256","kid":"rsa"}"#,
        r#"{"alg":"RS256","kid":"rsa","kid":"rsa"}"#,
        r#"{"alg":"RS256","kid":"rsa","x":1,"x":1}"#,
        r#"{"alg":"RS256","kid":"rsa","\u0061lg":"RS256"}"#,
        r#"["RS256"]"#,
        r#""RS256""#,
        "null",
        "",
        r#"{"alg":"RS256","kid":"rsa"} x"#,
        r#"{"alg":"RS256","kid":"rsa",}"#,
        r#"{'alg':'RS256','kid':'rsa'}"#,
        r#"{"alg":"RS256","kid":"\ud800"}"#,
        "\u{feff}{\"alg\":\"RS256\",\"kid\":\"rsa\"}",
    ] {
        vectors.push(vector(format!("header text {header}"), raw(header, &claims.to_string(), "RS256"), MALFORMED));
    }
    let (header, claims) = good("ES256");
    let unnamed = with(header, json!({"kid": "-"})).to_string();
    vectors.push(vector("one key fits, and none is named", raw(&unnamed, &claims.to_string(), "ES256"), TAKEN));
    vectors
}

fn claims(url: &str) -> Vec<Vector> {
    let mut vectors = Vec::new();
    for (claims, expected) in [
        (json!({"iss": "https://idp.test/"}), ISSUER_UNKNOWN),
        (json!({"iss": "https://IDP.test"}), ISSUER_UNKNOWN),
        (json!({"iss": "http://idp.test"}), ISSUER_UNKNOWN),
        (json!({"iss": "https://idp.test "}), ISSUER_UNKNOWN),
        (json!({"iss": "https://idp.test.evil"}), ISSUER_UNKNOWN),
        (json!({"iss": "https://idp.tes"}), ISSUER_UNKNOWN),
        (json!({"iss": url}), ISSUER_UNKNOWN),
        (json!({"iss": "-"}), ISSUER_UNKNOWN),
        (json!({"iss": null}), MALFORMED),
        (json!({"iss": [ISSUER]}), MALFORMED),
        (json!({"iss": ""}), MALFORMED),
        (json!({"aud": "https://cloudpartner.azure.com/"}), TAKEN),
        (json!({"aud": "https://cloudpartner.azure.com//"}), AUDIENCE_WRONG),
        (json!({"aud": ["other", AUDIENCE]}), TAKEN),
        (json!({"aud": [AUDIENCE]}), TAKEN),
        (json!({"aud": "https://cloudpartner.azure.co"}), AUDIENCE_WRONG),
        (json!({"aud": "https://cloudpartner.azure.com.evil"}), AUDIENCE_WRONG),
        (json!({"aud": "x https://cloudpartner.azure.com"}), AUDIENCE_WRONG),
        (json!({"aud": "https://cloudpartner.azure.com https://graph.test"}), AUDIENCE_WRONG),
        (json!({"aud": "HTTPS://cloudpartner.azure.com"}), AUDIENCE_WRONG),
        (json!({"aud": ""}), AUDIENCE_WRONG),
        (json!({"aud": "/"}), AUDIENCE_WRONG),
        (json!({"aud": []}), AUDIENCE_WRONG),
        (json!({"aud": ["a", "b"]}), AUDIENCE_WRONG),
        (json!({"aud": [AUDIENCE, 1]}), MALFORMED),
        (json!({"aud": [[AUDIENCE]]}), MALFORMED),
        (json!({"aud": {AUDIENCE: true}}), MALFORMED),
        (json!({"aud": null}), MALFORMED),
        (json!({"aud": 1}), MALFORMED),
        (json!({"aud": "-"}), MALFORMED),
        (json!({"sub": "-"}), SUBJECT),
        (json!({"sub": ""}), SUBJECT),
        (json!({"sub": null}), SUBJECT),
        (json!({"sub": 5}), SUBJECT),
        (json!({"sub": ["a"]}), SUBJECT),
        (json!({"sub": "s".repeat(256)}), TAKEN),
        (json!({"sub": "s".repeat(257)}), SUBJECT),
        (json!({"sub": "a\nb"}), SUBJECT),
        (json!({"sub": "a\u{0}"}), SUBJECT),
        (json!({"sub": "-", "oid": CANARY}), SUBJECT),
        (json!({"tid": 5}), MALFORMED),
        (json!({"tid": ""}), MALFORMED),
        (json!({"appid": {}}), MALFORMED),
        (json!({"azp": "a".repeat(257)}), MALFORMED),
        (json!({"name": {"a": 1}, "unheard-of": [1, 2]}), TAKEN),
    ] {
        let name = format!("claims {}", claims.to_string().chars().take(80).collect::<String>());
        vectors.push(vector(name, token(json!({}), claims), expected));
    }
    let (header, good) = good("RS256");
    let text = good.to_string();
    for (name, claims) in [
        ("iss twice", text.replacen('{', &format!(r#"{{"iss":"{ISSUER}","#), 1)),
        ("aud twice", text.replacen('{', r#"{"aud":"x","#, 1)),
        ("exp twice", text.replacen('{', r#"{"exp":1,"#, 1)),
        ("sub twice, once escaped", text.replacen('{', r#"{"s\u0075b":"x","#, 1)),
        ("a claim nobody knows twice", text.replacen('{', r#"{"a":1,"a":2,"#, 1)),
        ("an array", format!("[{text}]")),
        ("a text", b64(&text)),
        ("a number", "1".into()),
        ("null", "null".into()),
        ("nothing", String::new()),
        ("two objects", format!("{text}{text}")),
        ("a comment", format!("/* */{text}")),
        ("deep", text.replacen('{', &format!(r#"{{"a":{}{},"#, "[".repeat(500), "]".repeat(500)), 1)),
        ("a nested JWT", token(json!({}), json!({}))),
    ] {
        vectors.push(vector(format!("claims: {name}"), raw(&header.to_string(), &claims, "RS256"), MALFORMED));
    }
    let bytes = format!("{}.{}", b64(header.to_string()), b64(b"{\"iss\":\"\xff\xfe\"}"));
    vectors.push(vector("claims in no UTF-8", format!("{bytes}.{}", b64(sign("RS256", &bytes))), MALFORMED));
    vectors
}

fn times() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for (claims, expected) in [
        (json!({"exp": NOW - 59}), TAKEN),
        (json!({"exp": NOW - 60}), EXPIRED),
        (json!({"exp": NOW - 61}), EXPIRED),
        (json!({"exp": NOW + 59}), TAKEN),
        (json!({"exp": NOW + 60}), TAKEN),
        (json!({"exp": NOW + 61}), TAKEN),
        (json!({"exp": 0}), EXPIRED),
        (json!({"exp": (NOW - 60) as f64 + 0.5}), TAKEN),
        (json!({"exp": (NOW - 61) as f64 + 0.5}), EXPIRED),
        (json!({"exp": 999_999_999_999_i64}), TAKEN),
        (json!({"exp": 1_000_000_000_000_i64}), TIMES),
        (json!({"exp": i64::MAX}), TIMES),
        (json!({"exp": u64::MAX}), TIMES),
        (json!({"exp": 1e300}), TIMES),
        (json!({"exp": -1}), TIMES),
        (json!({"exp": "-"}), TIMES),
        (json!({"exp": null}), TIMES),
        (json!({"exp": (NOW + 3_600).to_string()}), TIMES),
        (json!({"exp": "never"}), TIMES),
        (json!({"exp": true}), TIMES),
        (json!({"exp": [NOW + 3_600]}), TIMES),
        (json!({"exp": {}}), TIMES),
        (json!({"nbf": NOW + 59}), TAKEN),
        (json!({"nbf": NOW + 60}), TAKEN),
        (json!({"nbf": NOW + 61}), NOT_YET),
        (json!({"nbf": NOW - 61}), TAKEN),
        (json!({"nbf": (NOW + 60) as f64 + 0.5}), NOT_YET),
        (json!({"nbf": "-"}), TAKEN),
        (json!({"nbf": null}), TIMES),
        (json!({"nbf": NOW.to_string()}), TIMES),
        (json!({"nbf": -1}), TIMES),
        (json!({"nbf": 1e12}), TIMES),
        (json!({"iat": NOW + 60}), TAKEN),
        (json!({"iat": NOW + 61}), NOT_YET),
        (json!({"iat": "-"}), TAKEN),
        (json!({"iat": null}), TIMES),
        (json!({"iat": NOW.to_string()}), TIMES),
        (json!({"iat": -1}), TIMES),
        (json!({"iat": 0}), TAKEN),
    ] {
        vectors.push(vector(format!("times {claims}"), token(json!({}), claims), expected));
    }
    let (header, claims) = good("RS256");
    for number in ["1e400", "-1e400", "NaN", "Infinity", "0x7fffffff", "01795344000", "1795344000.", "+1795344000"] {
        let claims = claims.to_string().replace(&(NOW + 3_600).to_string(), number);
        vectors.push(vector(format!("exp {number}"), raw(&header.to_string(), &claims, "RS256"), MALFORMED));
    }
    vectors
}

fn encodings() -> Vec<Vector> {
    let token = token(json!({}), json!({}));
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else { panic!() };
    // 256 bytes leave two letters of which the last has four bits too many.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let same_bits = alphabet.chars().nth(alphabet.find(last).unwrap() | 1).unwrap();
    let trailing = format!("{}{same_bits}", &token[..token.len() - 1]);
    assert_ne!(trailing, token);
    vec![
        vector("nothing", "", MALFORMED),
        vector("dots", "..", MALFORMED),
        vector("one part", header, MALFORMED),
        vector("two parts", format!("{header}.{claims}"), MALFORMED),
        vector("no header", format!(".{claims}.{signature}"), MALFORMED),
        vector("no claims", format!("{header}..{signature}"), MALFORMED),
        vector("no signature", format!("{header}.{claims}."), SIGNATURE),
        vector("four parts", format!("{token}.{signature}"), MALFORMED),
        vector("a JWE of five parts", format!("{token}.{signature}.{signature}"), MALFORMED),
        vector("a dot before", format!(".{token}"), MALFORMED),
        vector("a dot behind", format!("{token}."), MALFORMED),
        vector("padding behind", format!("{token}=="), MALFORMED),
        vector("padding of the header", format!("{header}=.{claims}.{signature}"), MALFORMED),
        vector("trailing bits", trailing, MALFORMED),
        vector("the other alphabet", format!("{header}.{claims}.{}", "+/".repeat(171)), MALFORMED),
        vector("a space inside", format!("{header}.{claims}.{} {}", &signature[..9], &signature[9..]), MALFORMED),
        vector("a line end inside", format!("{header}.{claims}.{}\n{}", &signature[..9], &signature[9..]), MALFORMED),
        vector("a space before", format!(" {token}"), MALFORMED),
        vector("a line end behind", format!("{token}\r\n"), MALFORMED),
        vector("a NUL behind", format!("{token}\0"), MALFORMED),
        vector("percent-encoded", token.replace('.', "%2E"), MALFORMED),
        vector("cut off by one", &token[..token.len() - 1], MALFORMED),
        vector("cut off by two", &token[..token.len() - 2], SIGNATURE),
        vector("cut off by half", &token[..token.len() / 2], MALFORMED),
        vector("letters nobody can see", format!("{token}\u{200b}"), MALFORMED),
        vector("letters of elsewhere", "жетон.жетон.жетон", MALFORMED),
        vector("letters of full width", token.replace('e', "ｅ"), MALFORMED),
        vector("smileys", "😀.😀.😀", MALFORMED),
        vector(
            "the general serialization",
            json!({"payload": claims, "signatures": [{"protected": header, "signature": signature}]}).to_string(),
            MALFORMED,
        ),
        vector("64 KiB", "a".repeat(65_536), TOO_LONG),
        vector("64 KiB of dots", ".".repeat(65_536), TOO_LONG),
        vector("a signature of 64 KiB", format!("{header}.{claims}.{}", "A".repeat(65_536)), TOO_LONG),
        vector("one byte too long", "a".repeat(16_385), TOO_LONG),
        vector("just not too long", "a".repeat(16_384), MALFORMED),
    ]
}

fn signatures() -> Vec<Vector> {
    let mut vectors = Vec::new();
    let signed = |way: &str| {
        let (header, claims) = good(way);
        format!("{}.{}", b64(header.to_string()), b64(claims.to_string()))
    };
    // The order of P-256, and that of Ed25519 from its lowest byte on.
    let n = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551";
    let n: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&n[at * 2..at * 2 + 2], 16).unwrap()).collect();
    let l = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let l: Vec<u8> = (0..32).map(|at| u8::from_str_radix(&l[at * 2..at * 2 + 2], 16).unwrap()).collect();
    let one = [vec![0; 31], vec![1]].concat();
    let ed = sign("EdDSA", &signed("EdDSA"));
    let mut carry = 0;
    let plus_l: Vec<u8> = ed[32..]
        .iter()
        .zip(&l)
        .map(|(s, l)| {
            carry += u16::from(*s) + u16::from(*l);
            let byte = carry.to_le_bytes()[0];
            carry >>= 8;
            byte
        })
        .collect();
    let ec = sign("ES256", &signed("ES256"));
    let der = [vec![0x30, 0x44, 0x02, 0x20], ec[..32].to_vec(), vec![0x02, 0x20], ec[32..].to_vec()].concat();
    let rsa = sign("RS256", &signed("RS256"));
    for (way, name, signature) in [
        ("ES256", "r and s are 0", vec![0; 64]),
        ("ES256", "r and s are the order", [n.clone(), n.clone()].concat()),
        ("ES256", "r is 1, s is 0", [one.clone(), vec![0; 32]].concat()),
        ("ES256", "r and s are 1", [one.clone(), one].concat()),
        ("ES256", "all ones", vec![255; 64]),
        ("ES256", "in DER", der),
        ("ES256", "a byte less", ec[..63].to_vec()),
        ("ES256", "a byte more", [ec.clone(), vec![0]].concat()),
        ("ES256", "r and s changed about", [ec[32..].to_vec(), ec[..32].to_vec()].concat()),
        ("EdDSA", "zeros", vec![0; 64]),
        ("EdDSA", "S and the order", [ed[..32].to_vec(), plus_l].concat()),
        ("EdDSA", "the neutral point", [vec![1], vec![0; 63]].concat()),
        ("EdDSA", "a byte less", ed[..63].to_vec()),
        ("EdDSA", "a byte more", [ed.clone(), vec![0]].concat()),
        ("RS256", "zeros", vec![0; 256]),
        ("RS256", "one", [vec![0; 255], vec![1]].concat()),
        ("RS256", "all ones", vec![255; 256]),
        ("RS256", "a zero before", [vec![0], rsa.clone()].concat()),
        ("RS256", "a zero behind", [rsa.clone(), vec![0]].concat()),
        ("RS256", "a byte less", rsa[..255].to_vec()),
        ("RS256", "of another key", sign("other RS256", &signed("RS256"))),
        ("RS256", "of the claims alone", sign("RS256", &b64(good("RS256").1.to_string()))),
        ("RS256", "of other claims", sign("RS256", &signed("PS256"))),
    ] {
        vectors.push(vector(format!("{way}: {name}"), format!("{}.{}", signed(way), b64(signature)), SIGNATURE));
    }
    vectors.push(vector("a key of 1024 bits", TOKEN_OF_RSA_1024, KEY_UNKNOWN));
    vectors
}

/// Tokens of the template's issuer, whose keys say whom they are for.
fn tenants() -> Vec<Vector> {
    let iss = |tid: &str| TEMPLATE.replace("{tenantid}", tid);
    let upper = TENANT_ID.to_uppercase();
    [
        ("good", json!({"iss": iss(TENANT_ID), "tid": TENANT_ID, "oid": CANARY}), TAKEN),
        ("in capitals", json!({"iss": iss(&upper), "tid": upper, "oid": CANARY}), TAKEN),
        ("capitals in one place", json!({"iss": iss(&upper), "tid": TENANT_ID, "oid": CANARY}), ISSUER_UNKNOWN),
        ("no oid", json!({"iss": iss(TENANT_ID), "tid": TENANT_ID}), SUBJECT),
        ("a tenant not let in", json!({"iss": iss(OTHER_TENANT_ID), "tid": OTHER_TENANT_ID, "oid": CANARY}), TENANT),
        (
            "iss of another tenant",
            json!({"iss": iss(OTHER_TENANT_ID), "tid": TENANT_ID, "oid": CANARY}),
            ISSUER_UNKNOWN,
        ),
        (
            "tid of another tenant",
            json!({"iss": iss(TENANT_ID), "tid": OTHER_TENANT_ID, "oid": CANARY}),
            ISSUER_UNKNOWN,
        ),
        ("the template itself", json!({"iss": TEMPLATE, "tid": "{tenantid}", "oid": CANARY}), ISSUER_UNKNOWN),
        ("no tid", json!({"iss": iss(TENANT_ID), "oid": CANARY}), ISSUER_UNKNOWN),
        ("no GUID", json!({"iss": iss("common"), "tid": "common", "oid": CANARY}), ISSUER_UNKNOWN),
        (
            "a GUID in braces",
            json!({"iss": iss(&format!("{{{TENANT_ID}}}")), "tid": format!("{{{TENANT_ID}}}"), "oid": CANARY}),
            ISSUER_UNKNOWN,
        ),
        ("a path as tid", json!({"iss": iss("../x"), "tid": "../x", "oid": CANARY}), ISSUER_UNKNOWN),
        ("a slash behind", json!({"iss": iss(TENANT_ID) + "/", "tid": TENANT_ID, "oid": CANARY}), ISSUER_UNKNOWN),
    ]
    .into_iter()
    .map(|(name, claims, expected)| vector(format!("tenant: {name}"), token(json!({"kid": "entra"}), claims), expected))
    .chain([
        vector(
            "a tenant's token with a key of no issuer",
            token(json!({}), json!({"iss": iss(TENANT_ID), "tid": TENANT_ID, "oid": CANARY})),
            TAKEN,
        ),
        vector(
            "a tenant's token with a key of another issuer",
            token(json!({"kid": "rsa-elsewhere"}), json!({"iss": iss(TENANT_ID), "tid": TENANT_ID, "oid": CANARY})),
            KEY_UNFIT,
        ),
    ])
    .collect()
}

/// Tokens of the service itself.
fn local() -> Vec<Vector> {
    let iss = json!({"iss": "https://portolan.test/v2.0"});
    let mut vectors: Vec<_> = [
        (json!({"typ": "at+jwt"}), TAKEN),
        (json!({"typ": "application/AT+jwt"}), TAKEN),
        (json!({"typ": "JWT"}), TYPE),
        (json!({"typ": "-"}), TYPE),
        (json!({"typ": "at+jwt", "kid": "-"}), TAKEN),
        (json!({"typ": "at+jwt", "kid": "ec"}), KEY_UNKNOWN),
        (json!({"typ": "at+jwt", "alg": "PS256"}), ALGORITHM),
        (json!({"typ": "at+jwt", "alg": "ES256"}), ALGORITHM),
    ]
    .into_iter()
    .map(|(header, expected)| vector(format!("own {header}"), token(header, iss.clone()), expected))
    .collect();
    let at = json!({"typ": "at+jwt"});
    vectors.push(vector("own, version 1", token(at.clone(), json!({"iss": "https://portolan.test/"})), TAKEN));
    vectors.push(vector(
        "own, neither version",
        token(at.clone(), json!({"iss": "https://portolan.test"})),
        ISSUER_UNKNOWN,
    ));
    vectors.push(vector("own, an ID token", token(json!({}), with(iss, json!({"aud": "client-1"}))), TYPE));
    vectors
}

/// An issuer, a template, one that is narrower, and the service itself.
async fn trusted() -> (Idp, Issuers) {
    let idp = Idp::start().await;
    let clock = Clock::turned(START);
    let rsa = |kid: &str, more: Value| with(rsa_jwk(&keys().rsa, kid), more);
    let mut point = crate::idp::ec_jwk("off-curve");
    point["x"] = json!(b64([7; 32]));
    idp.show(json!([
        rsa("rsa", json!({})),
        crate::idp::ec_jwk("ec"),
        crate::idp::ed_jwk("ed"),
        rsa_jwk(&keys().other_rsa, "rsa-other"),
        rsa("rsa-pss", json!({"alg": "PS256"})),
        rsa("rsa-enc", json!({"use": "enc"})),
        rsa("rsa-encrypts", json!({"use": "-", "key_ops": ["encrypt"]})),
        rsa("rsa-verifies", json!({"use": "-", "key_ops": ["verify"], "alg": "RS256"})),
        rsa("rsa-private", json!({"d": "AQAB"})),
        rsa("rsa-elsewhere", json!({"issuer": "https://elsewhere.test/{tenantid}/v2.0"})),
        rsa("entra", json!({"issuer": TEMPLATE})),
        rsa_jwk(&keys().other_rsa, "twice"),
        rsa("twice", json!({})),
        rsa("rsa-1024", json!({"n": RSA_1024})),
        point,
        with(crate::idp::ec_jwk("p-384"), json!({"crv": "P-384"})),
        {"kty": "oct", "kid": "secret", "k": "c2VjcmV0"},
        {"kty": 5}, "nonsense", null,
    ]));
    let local_keys = LocalKeys::default();
    local_keys.replace(vec![PublicKey::from_jwk(&rsa_jwk(&keys().rsa, "rsa")).unwrap()]);
    let own = vec!["https://portolan.test/v2.0".into(), "https://portolan.test/".into()];
    let at_keys = json!({"jwks_uri": idp.url("/keys"), "discovery": "-"});
    let entra = json!({"name": "entra", "issuer": TEMPLATE, "tenants": [TENANT_ID]});
    let narrow = json!({"name": "narrow", "issuer": "https://narrow.test", "algorithms": ["ES256"]});
    let remote = |setting: &IssuerSetting| TrustedIssuer::remote(setting, clock.clone()).unwrap();
    let issuers = Issuers::new(
        vec![
            TrustedIssuer::local("own", own, vec![AUDIENCE.into()], local_keys),
            remote(&idp.setting(json!({}))),
            remote(&idp.setting(with(at_keys.clone(), entra))),
            remote(&idp.setting(with(at_keys, narrow))),
        ],
        clock.clone(),
    );
    (idp, issuers.unwrap())
}

#[tokio::test]
async fn the_table_of_tokens() {
    let (idp, issuers) = trusted().await;
    let (narrow, url) = (json!({"iss": "https://narrow.test"}), idp.url(""));
    let mut table =
        [algorithms(), headers(&url), claims(&url), times(), encodings(), signatures(), tenants(), local()].concat();
    table.push(vector("an algorithm not on the list", token(json!({}), narrow.clone()), ALGORITHM));
    let (header, claims) = good("ES256");
    table.push(vector(
        "the algorithm on the list",
        raw(&header.to_string(), &with(claims, narrow).to_string(), "ES256"),
        TAKEN,
    ));
    assert!(table.len() >= 120, "{}", table.len());
    let mut wrong = Vec::new();
    for (name, token, expected) in &table {
        let said = outcome(&issuers.verify(token).await);
        let shape = said == TAKEN
            || (said.starts_with("Authorization has been denied for this request: ") && said.ends_with('.'));
        if !said.contains(expected) || !shape || said.contains(CANARY) {
            wrong.push(format!("{name}: {said}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
    assert_eq!(idp.strays.load(Ordering::SeqCst), 0, "an address out of a token was asked");
    assert_eq!(idp.fetched(), 3, "one fetch for each issuer, for all the keys that do not exist");
}

#[tokio::test]
async fn no_letter_of_a_token_can_be_another() {
    let (_idp, issuers) = trusted().await;
    for way in ["RS256", "PS256", "ES256", "EdDSA"] {
        let (header, claims) = good(way);
        let token = raw(&header.to_string(), &claims.to_string(), way);
        assert_eq!(outcome(&issuers.verify(&token).await), TAKEN);
        for at in 0..token.len() {
            for bit in 0..3 {
                let mut changed = token.clone().into_bytes();
                changed[at] ^= 1 << bit;
                let changed = String::from_utf8(changed).unwrap();
                assert_ne!(outcome(&issuers.verify(&changed).await), TAKEN, "{way}: letter {at}, bit {bit}");
            }
        }
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        for at in 0..signature.len() {
            let mut changed = signature.clone();
            changed[at] ^= 0x40;
            let said = outcome(&issuers.verify(&format!("{signed}.{}", b64(changed))).await);
            assert!(said.contains(SIGNATURE), "{way}: byte {at} of the signature: {said}");
        }
    }
}
