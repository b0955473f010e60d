//! Where requests of outsiders may lead: hostile addresses in many spellings, and real listeners that nobody must reach.

use portolan::egress::{Egress, EgressFault, EgressSettings, Outgoing};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// Internal addresses, the clouds' own among them.
const INTERNAL: [&str; 9] = [
    "127.0.0.1",
    "10.0.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "169.254.169.254",
    "169.254.170.2",
    "172.16.0.1",
    "192.168.0.1",
    "0.0.0.0",
];

/// Every special-purpose range, first, middle and last; then what is public right before and right after, where it is.
const RANGES: [([&str; 3], &[&str]); 26] = [
    (["0.0.0.0", "0.128.0.1", "0.255.255.255"], &["1.0.0.0"]),
    (["10.0.0.0", "10.127.3.4", "10.255.255.255"], &["9.255.255.255", "11.0.0.0"]),
    (["100.64.0.0", "100.100.0.1", "100.127.255.255"], &["100.63.255.255", "100.128.0.0"]),
    (["127.0.0.0", "127.80.0.1", "127.255.255.255"], &["126.255.255.255", "128.0.0.0"]),
    (["168.63.129.16", "168.63.129.16", "168.63.129.16"], &["168.63.129.15", "168.63.129.17"]),
    (["169.254.0.0", "169.254.128.1", "169.254.255.255"], &["169.253.255.255", "169.255.0.0"]),
    (["172.16.0.0", "172.24.9.9", "172.31.255.255"], &["172.15.255.255", "172.32.0.0"]),
    (["192.0.0.0", "192.0.0.192", "192.0.0.255"], &["191.255.255.255", "192.0.1.0"]),
    (["192.0.2.0", "192.0.2.128", "192.0.2.255"], &["192.0.1.255", "192.0.3.0"]),
    (["192.88.99.0", "192.88.99.1", "192.88.99.255"], &["192.88.98.255", "192.88.100.0"]),
    (["192.168.0.0", "192.168.128.1", "192.168.255.255"], &["192.167.255.255", "192.169.0.0"]),
    (["198.18.0.0", "198.19.0.0", "198.19.255.255"], &["198.17.255.255", "198.20.0.0"]),
    (["198.51.100.0", "198.51.100.77", "198.51.100.255"], &["198.51.99.255", "198.51.101.0"]),
    (["203.0.113.0", "203.0.113.77", "203.0.113.255"], &["203.0.112.255", "203.0.114.0"]),
    (["224.0.0.0", "240.0.0.1", "255.255.255.255"], &["223.255.255.255"]),
    (["[::]", "[::1]", "[::ffff:ffff]"], &[]),
    (["[::ffff:0:0]", "[::ffff:7f00:1]", "[::ffff:ffff:ffff]"], &["[::ffff:8.8.8.8]"]),
    (["[64:ff9b::]", "[64:ff9b::a00:1]", "[64:ff9b::ffff:ffff]"], &["[64:ff9b::8.8.8.8]"]),
    (["[64:ff9b:1::]", "[64:ff9b:1::808:808]", "[64:ff9b:1:ffff:ffff:ffff:ffff:ffff]"], &[]),
    (["[100::]", "[100:0:0:1::]", "[100::ffff:ffff:ffff:ffff]"], &[]),
    (["[2001::]", "[2001:20::1]", "[2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff]"], &["[2000:ffff::]", "[2001:200::]"]),
    (
        ["[2001:db8::]", "[2001:db8:8000::]", "[2001:db8:ffff:ffff:ffff:ffff:ffff:ffff]"],
        &["[2001:db7::]", "[2001:db9::]"],
    ),
    (["[2002::]", "[2002:808:808::1]", "[2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff]"], &["[2001:ffff::]", "[2003::]"]),
    (["[3fff::]", "[3fff:800::]", "[3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff]"], &["[3ffe::1]", "[3fff:1000::]"]),
    (["[fc00::]", "[fd00:ec2::254]", "[fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]"], &[]),
    (["[fe80::]", "[fec0::1]", "[ff02::1]"], &[]),
];

/// The spellings of an IPv4 address, as a host of its own and wrapped in IPv6.
fn spellings(address: &str) -> Vec<String> {
    let ip: Ipv4Addr = address.parse().unwrap();
    let [a, b, c, d] = ip.octets();
    let bits = ip.to_bits();
    let (high, low) = (bits >> 16, bits & 0xffff);
    let wide = |text: &str, dot: char| -> String {
        let wide = |digit: char| char::from_u32(u32::from(digit) - u32::from('0') + u32::from('０')).unwrap();
        text.chars().map(|c| if c == '.' { dot } else { wide(c) }).collect()
    };
    vec![
        address.to_owned(),
        format!("{address}."),
        bits.to_string(),
        format!("{bits:#o}").replace("0o", "0"),
        format!("{bits:#x}"),
        format!("{bits:#X}"),
        format!("0x{a:x}.0x{b:x}.0x{c:x}.0x{d:x}"),
        format!("0{a:o}.0{b:o}.0{c:o}.0{d:o}"),
        format!("000{a:o}.0x{b:x}.{c}.{d}"),
        format!("{a}.{b}.{}", u32::from(c) << 8 | u32::from(d)),
        format!("{a}.{}", bits & 0xff_ffff),
        format!("0x{a:x}.{}", bits & 0xff_ffff),
        wide(address, '.'),
        wide(address, '。'),
        address.replace('.', "%2e"),
        address.replace('.', "。"),
        address.chars().map(|c| format!("%{:02x}", u32::from(c))).collect(),
        format!("[::ffff:{address}]"),
        format!("[::ffff:{high:x}:{low:x}]"),
        format!("[0:0:0:0:0:FFFF:{high:x}:{low:x}]"),
        format!("[::{address}]"),
        format!("[::ffff:0:{address}]"),
        format!("[64:ff9b::{address}]"),
        format!("[64:ff9b:1::{address}]"),
        format!("[2002:{high:x}:{low:x}::1]"),
        format!("[2001:0:{high:x}:{low:x}::1]"),
        format!("[2001:0:808:808:0:0:{:x}:{:x}]", high ^ 0xffff, low ^ 0xffff),
        format!("[2606:4700::5efe:{address}]"),
        format!("[2606:4700::200:5efe:{address}]"),
    ]
}

/// URLs that must lead nowhere, with this port in them (`:8443`, or nothing).
pub fn corpus(port: &str) -> Vec<String> {
    let mut all = Vec::new();
    for host in INTERNAL.into_iter().flat_map(spellings) {
        all.push(format!("https://{host}{port}/"));
    }
    for host in RANGES.into_iter().flat_map(|(hosts, _)| hosts) {
        all.push(format!("https://{host}{port}/"));
    }
    let forms = [
        "https://user@127.0.0.1PORT/",
        "https://user:word@127.0.0.1PORT/",
        "https://8.8.8.8@127.0.0.1PORT/",
        "https://8.8.8.8:443@127.0.0.1PORT/",
        "https://public.test%40127.0.0.1PORT/",
        "https://public.test\\@127.0.0.1PORT/",
        "https://127.0.0.1PORT\\@public.test/",
        "https://127.0.0.1PORT#@public.test/",
        "https://127.0.0.1PORT?@public.test/",
        "https:\\\\127.0.0.1PORT\\",
        "https:/127.0.0.1PORT/",
        "https:127.0.0.1PORT/",
        "https:////127.0.0.1PORT/",
        "https://\t127.0.0.1PORT/",
        "ht\ttps://127.0.\n0.1PORT/",
        "\u{1}https://127.0.0.1PORT/ ",
        "HTTPS://127.0.0.1PORT/",
        "https://[::1%25lo]PORT/",
        "https://[::1%lo]PORT/",
        "https://[fe80::1%25eth0]PORT/",
        "https://[127.0.0.1]PORT/",
        "https://[localhost]PORT/",
        "https://[::ffff:127.0.0.1.]PORT/",
        "https://[::1PORT/",
        "https://::1PORT/",
        "https://127.0.0.1.nowhere.test@localhostPORT/",
        "https://localhostPORT/",
        "https://LOCALHOST.PORT/",
        "https://ｌｏｃａｌｈｏｓｔPORT/",
        "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣPORT/",
        "https://loc%61lhostPORT/",
        "https://local\u{ad}hostPORT/",
        "https://metadata.google.internalPORT/",
        "https://metadata.google.internal.PORT/",
        "https://METADATAPORT/",
        "https://instance-data.ec2.internalPORT/",
        "https://inside.testPORT/",
        "https://inside-6.testPORT/",
        "https://mapped.testPORT/",
        "https://both.testPORT/",
        "https://both-the-other-way.testPORT/",
        "https://fifty.testPORT/",
        "https://none.testPORT/",
        "https://127.0.0.1:22/",
        "https://8.8.8.8:22/",
        "https://8.8.8.8:80/",
        "https://public.test:6379/",
        "http://127.0.0.1PORT/",
        "http://localhostPORT/",
        "http://public.testPORT/",
        "http://169.254.169.254/latest/meta-data/",
        "http://8.8.8.8/",
        "ftp://127.0.0.1PORT/",
        "gopher://127.0.0.1PORT/_x",
        "file:///etc/passwd",
        "ws://127.0.0.1PORT/",
        "wss://127.0.0.1PORT/",
        "data:text/plain,x",
        "javascript:0",
        "unix:/run/docker.sock",
        "blob:https://127.0.0.1PORT/x",
        "jar:https://127.0.0.1PORT/!x",
        "//127.0.0.1PORT/",
        "127.0.0.1PORT",
        "localhostPORT",
        "/etc/passwd",
        "",
        "https://",
        "https://PORT/",
        "https://.PORT/",
        "https://127.0.0.1:99999/",
        "https://127.0.0.1:0/",
        "https://256.256.256.256PORT/",
        "https://127.0.0.1.1PORT/",
        "https://0x7f.0.0.0.1PORT/",
    ];
    all.extend(forms.map(|form| form.replace("PORT", port)));
    all
}

/// Where the names of the corpus lie.
pub fn lookup(name: &str) -> Vec<SocketAddr> {
    let public: Vec<String> = (0..50).map(|at| format!("8.8.4.{at}:0")).collect();
    let addresses: Vec<&str> = match name {
        "localhost" => vec!["127.0.0.1:0", "[::1]:0"],
        "metadata.google.internal" | "metadata" | "instance-data.ec2.internal" => vec!["169.254.169.254:0"],
        "inside.test" => vec!["10.0.0.1:0"],
        "inside-6.test" => vec!["[fd00:ec2::254]:0"],
        "mapped.test" => vec!["[::ffff:127.0.0.1]:0"],
        "both.test" => vec!["8.8.8.8:0", "127.0.0.1:0"],
        "both-the-other-way.test" => vec!["[::1]:0", "[2606:4700::1111]:0"],
        "fifty.test" => public.iter().map(String::as_str).collect(),
        "public.test" => vec!["192.0.2.7:0"],
        "outside.test" => vec!["8.8.8.8:0"],
        _ => Vec::new(),
    };
    addresses.into_iter().map(|address| address.parse().unwrap()).collect()
}

/// A listener that counts who comes, and closes.
pub async fn trap(address: impl tokio::net::ToSocketAddrs) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (address, count)
}

/// A server that answers everything with 200 and `ok`.
pub async fn friend(address: &str) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(address).await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4_096]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            });
        }
    });
    (address, count)
}

pub fn egress(allow: &[&str], http_hosts: &[&str]) -> Egress {
    let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
    let http_hosts = http_hosts.iter().map(|&host| host.to_owned()).collect();
    Egress::new(&EgressSettings { allow, http_hosts, ca_file: None }).unwrap()
}

fn quick(url: impl Into<String>) -> Outgoing {
    Outgoing { patience: Duration::from_secs(5), ..Outgoing::get(url) }
}

/// The fault of a URL that is hostile.
async fn refused(egress: &Egress, url: &str) -> EgressFault {
    egress.to_outsider(quick(url)).await.expect_err(url)
}

#[tokio::test]
async fn hostile_addresses_reach_nobody() {
    let (trapped, reached) = trap("[::]:0").await;
    let port = trapped.port();
    // So that the early look at the port lets it pass, and it is the address that is judged.
    let egress = egress(&[&format!("198.51.100.200:{port}")], &[]).with_lookup(lookup);
    let corpus = corpus(&format!(":{port}"));
    assert!(corpus.len() >= 250, "{}", corpus.len());
    for url in &corpus {
        let fault = refused(&egress, url).await;
        assert!(fault.is_lasting() || fault == EgressFault::NoSuchName, "{url:?}: {fault:?}");
        assert_eq!(reached.load(Ordering::SeqCst), 0, "{url:?} reached the listener");
    }
    // The witness can see.
    assert!(egress.to_operator(quick(format!("https://127.0.0.1:{port}/"))).await.is_err());
    assert_eq!(reached.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn each_fault_has_its_category() {
    let egress = egress(&["198.51.100.200:8443"], &["old.test"]).with_lookup(lookup);
    for (url, expected) in [
        ("https://127.0.0.1/", EgressFault::Private),
        ("https://[::1]:8443/", EgressFault::Private),
        ("https://both.test/", EgressFault::Private),
        ("http://127.0.0.1/", EgressFault::NotHttps),
        ("http://old.test.evil.test/", EgressFault::NotHttps),
        ("https://a@public.test/", EgressFault::Credentials),
        ("https://:b@public.test/", EgressFault::Credentials),
        ("https://public.test:22/", EgressFault::Port),
        ("https://outside.test:8443/", EgressFault::Port),
        ("https://public.test:80/", EgressFault::Port),
        ("http://old.test:443/", EgressFault::Port),
        ("https://fifty.test/", EgressFault::TooManyAddresses),
        ("https://none.test/", EgressFault::NoSuchName),
        ("file:///etc/passwd", EgressFault::NoAddress),
        ("https://[::1%25lo]/", EgressFault::NoAddress),
    ] {
        assert_eq!(refused(&egress, url).await, expected, "{url}");
    }
}

#[tokio::test]
async fn a_name_of_the_machine_is_judged_by_where_they_lie() {
    let (trapped, reached) = trap("[::]:0").await;
    let egress = egress(&[&format!("198.51.100.200:{}", trapped.port())], &[]);
    assert_eq!(refused(&egress, &format!("https://localhost:{}/", trapped.port())).await, EgressFault::Private);
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_place_never_leads_inside() {
    let (good, answered) = friend("127.0.0.1:0").await;
    let (bad, reached) = trap(("127.0.0.2", good.port())).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let egress = egress(&[&good.to_string()], &["rebinding.test"])
        .with_lookup(move |_| vec![if count.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) { good } else { bad }]);
    let url = format!("http://rebinding.test:{}/", good.port());
    for at in 0..10_000 {
        let outcome = egress.to_outsider(quick(&url)).await;
        match at % 2 {
            0 => assert_eq!(outcome.unwrap().whole().await.unwrap(), "ok"),
            _ => assert_eq!(outcome.unwrap_err(), EgressFault::Private),
        }
    }
    assert_eq!(asked.load(Ordering::SeqCst), 10_000, "asked once for each");
    assert_eq!((answered.load(Ordering::SeqCst), reached.load(Ordering::SeqCst)), (5_000, 0));
}

#[tokio::test]
async fn the_allow_list_lifts_exactly_what_it_says() {
    let (good, _) = friend("127.0.0.1:0").await;
    let port = good.port();
    let (_, beside) = trap(("127.0.0.2", port)).await;
    let (other_port, behind) = trap("127.0.0.1:0").await;
    let names =
        BTreeMap::from([("good.test".to_owned(), good), ("bad.test".to_owned(), ([127, 0, 0, 2], port).into())]);
    // The second lifts the other port, but for another address.
    let allow = [format!("127.0.0.1:{port}"), format!("198.51.100.200:{}", other_port.port())];
    let egress = egress(&[&allow[0], &allow[1]], &["good.test", "bad.test", "127.0.0.1", "[::1]"]).with_names(names);
    for url in [format!("http://good.test:{port}/"), "http://good.test/".into(), format!("http://127.1:{port}/")] {
        assert_eq!(egress.to_outsider(quick(&url)).await.expect(&url).whole().await.unwrap(), "ok");
    }
    for (url, expected) in [
        (format!("http://bad.test:{port}/"), EgressFault::Private),
        (format!("http://[::1]:{port}/"), EgressFault::Private),
        (format!("https://[64:ff9b::127.0.0.1]:{port}/"), EgressFault::Private),
        (format!("https://127.0.0.2:{port}/"), EgressFault::Private),
        (format!("http://127.0.0.1:{}/", other_port.port()), EgressFault::Private),
        (format!("http://a:b@good.test:{port}/"), EgressFault::Credentials),
        (format!("http://other.test:{port}/"), EgressFault::NotHttps),
        (format!("https://8.8.8.8:{port}/"), EgressFault::Port),
    ] {
        assert_eq!(refused(&egress, &url).await, expected, "{url}");
    }
    assert_eq!((beside.load(Ordering::SeqCst), behind.load(Ordering::SeqCst)), (0, 0));
}

#[test]
fn settings_that_cannot_be_are_told_so() {
    let wrong = EgressSettings { http_hosts: vec!["a b".into()], ..EgressSettings::default() };
    assert!(Egress::new(&wrong).unwrap_err().to_string().contains("egress.http_hosts \"a b\" is no host"));
    let wrong = EgressSettings { ca_file: Some("/nowhere.pem".into()), ..EgressSettings::default() };
    assert!(Egress::new(&wrong).unwrap_err().to_string().contains("/nowhere.pem"));
    assert!(toml::from_str::<EgressSettings>("allow = [\"10.0.0.0/8\"]").is_err());
}

/// In a network of its own, where every address of both families is this machine and answers: there the kernel counts what
/// goes out, and a public address shows that it can.
#[test]
fn in_a_network_where_every_address_answers_only_public_ones_are_reached() {
    if !Command::new("unshare").args(["-rn", "ip", "link"]).output().is_ok_and(|output| output.status.success()) {
        println!("skipped: no network namespace can be made here (unshare -rn)");
        return;
    }
    let prepare =
        "ip link set lo up && ip route add local 0.0.0.0/0 dev lo && ip -6 route add local ::/0 dev lo && exec \"$@\"";
    let child = Command::new("unshare")
        .args(["-rn", "sh", "-c", prepare, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "egress::inside_that_network", "--ignored", "--nocapture"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}{}", String::from_utf8_lossy(&child.stderr));
}

#[tokio::test]
#[ignore = "the test above runs it in a network of its own"]
async fn inside_that_network() {
    let packets = || -> u64 {
        let devices = std::fs::read_to_string("/proc/net/dev").unwrap();
        let lo = devices.lines().find_map(|line| line.trim().strip_prefix("lo:")).unwrap();
        lo.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let (_, https) = trap("[::]:443").await;
    let (_, http) = trap("[::]:80").await;
    let egress = egress(&[], &["localhost", "public.test"]).with_lookup(lookup);
    let before = packets();
    for url in corpus("") {
        refused(&egress, &url).await;
        assert_eq!(packets(), before, "{url:?} sent something");
    }
    assert_eq!((https.load(Ordering::SeqCst), http.load(Ordering::SeqCst)), (0, 0));
    let public: Vec<&str> = RANGES.into_iter().flat_map(|(_, neighbours)| neighbours.to_vec()).collect();
    for (at, host) in public.iter().enumerate() {
        let request = Outgoing { patience: Duration::from_millis(300), ..Outgoing::get(format!("https://{host}/")) };
        let fault = egress.to_outsider(request).await.unwrap_err();
        assert!(!fault.is_lasting(), "{host}: {fault:?}");
        assert_eq!(https.load(Ordering::SeqCst), at + 1, "{host} was not reached");
    }
}
