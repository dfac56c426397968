"""The console page in headless Chromium: what it shows, what it changes, what it says when refused; names stay text."""

import os
import pathlib
import shutil
import tempfile

import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

import ossd
import wire
from conftest import bucket_of
from test_sse import KEY_ID, SSE

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(not CHROMIUM or not DRIVER, reason="SKIPPED: NO CHROMIUM WITH ITS DRIVER")
SCREENSHOTS = pathlib.Path(os.environ.get("OSSD_SCREENSHOTS") or tempfile.gettempdir())
WAIT_SECONDS = 60
HOSTILE = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>&amp;\"'>"


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--window-size=1280,1500",
        f"--user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    browser.set_page_load_timeout(WAIT_SECONDS)
    yield browser
    browser.quit()


class Page:
    """The page of one daemon, by what a person sees on it."""

    def __init__(self, driver, daemon, address=None):
        self.driver, self.daemon = driver, daemon
        driver.get_log("browser")
        driver.get(address or daemon.console)

    def wait(self, condition):
        ignored = [StaleElementReferenceException, IndexError]
        return WebDriverWait(self.driver, WAIT_SECONDS, poll_frequency=0.05, ignored_exceptions=ignored).until(
            lambda _: condition()
        )

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def rows(self, section):
        """The cells' texts of a section's table, but those of the actions."""
        rows = self.all(f"#{section} tbody tr")
        return [[" ".join(cell.text.split()) for cell in row.find_elements(By.CSS_SELECTOR, "th, td")] for row in rows]

    def press(self, text, within="body", what=None):
        quoted = f"[aria-label='{text} {what}']" if what else ""
        find = lambda: [b for b in self.all(f"{within} button{quoted}") if b.text == text][0]
        self.wait(lambda: find().is_displayed())
        find().click()

    def field(self, name):
        return self.wait(lambda: self.all(f"#dialog [name={name}]")[0])

    def choose_method(self, method):
        self.wait(lambda: self.all(f"#dialog [value={method}]"))[0].click()

    def said(self):
        return self.all("#said")[0].text

    def shot(self, name):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        height = self.driver.execute_script("return document.documentElement.scrollHeight")
        self.driver.set_window_size(1280, min(height + 140, 2400))
        self.driver.save_screenshot(str(SCREENSHOTS / f"{name}.png"))
        self.driver.set_window_size(1280, 1500)

    def check(self):
        """Nothing from outside ran, and the page had no error of its own."""
        assert self.driver.title == "ossd console"
        bad = [entry for entry in self.driver.get_log("browser") if entry["source"] != "network"]
        assert not bad, bad


@pytest.fixture
def page(driver, own_daemon):
    page = Page(driver, own_daemon)
    page.wait(lambda: page.rows("keys"))
    yield page
    page.check()


def make_bucket(page, name, method, cmk=None, other=None):
    page.press("Create Bucket")
    page.field("name").send_keys(name)
    page.choose_method(method)
    if cmk is not None:
        Select(page.field("cmk")).select_by_value(cmk)
    if other is not None:
        page.field("other").send_keys(other)
    page.press("OK", "#dialog")
    page.wait(lambda: page.said() == f"{name} is made.")


def test_buckets_are_made_with_each_method_changed_and_deleted(page):
    assert page.all("#buckets")[0].text == "No buckets yet."
    key = page.daemon.api("POST", "keys", {"key_id": "finance-2026", "alias": "alias/finance"})["key_id"]
    page.driver.refresh()
    make_bucket(page, "plain", "None")
    make_bucket(page, "managed", "OSS-Managed")
    make_bucket(page, "default-key", "KMS", "alias/acs/oss")
    make_bucket(page, "own-key", "KMS", key)
    make_bucket(page, "by-alias", "KMS", "", "alias/finance")
    shown = [row[:2] for row in page.rows("buckets")]
    assert shown == [
        ["by-alias", "KMS alias/finance"],
        ["default-key", "KMS alias/acs/oss"],
        ["managed", "OSS-Managed"],
        ["own-key", "KMS finance-2026"],
        ["plain", "None"],
    ]
    # What the page said is what OSS's clients see.
    rules = {name: bucket_of(page.daemon, name).get_bucket_info().bucket_encryption_rule for name, _ in shown}
    assert {name: (rule.sse_algorithm, rule.kms_master_keyid) for name, rule in rules.items()} == {
        "by-alias": ("KMS", "alias/finance"),
        "default-key": ("KMS", None),
        "managed": ("AES256", None),
        "own-key": ("KMS", key),
        "plain": (None, None),
    }
    put = bucket_of(page.daemon, "by-alias").put_object("object", b"x")
    assert put.headers[KEY_ID] == key

    page.press("Configure", what="encryption of own-key")
    assert page.field("cmk").get_attribute("value") == key, "the dialog begins with what is"
    page.choose_method("OSS-Managed")
    page.press("Save", "#dialog")
    page.wait(lambda: page.said() == "own-key: new objects get the method OSS-Managed.")
    assert bucket_of(page.daemon, "own-key").get_bucket_encryption().sse_algorithm == "AES256"
    page.press("Configure", what="encryption of own-key")
    page.choose_method("None")
    page.press("Save", "#dialog")
    page.wait(lambda: page.said() == "own-key: new objects get the method None.")
    assert bucket_of(page.daemon, "own-key").get_bucket_info().bucket_encryption_rule.sse_algorithm is None

    page.press("Delete", what="own-key")
    page.press("Delete", "#dialog")
    page.wait(lambda: page.said() == "own-key is deleted.")
    assert [row[0] for row in page.rows("buckets")] == ["by-alias", "default-key", "managed", "plain"]


def test_the_dialog_shows_what_belongs_to_the_method(page):
    page.press("Create Bucket")
    labels = lambda: [label.text for label in page.all("#dialog label > span:first-child") if label.is_displayed()]
    assert "Bucket Name" in labels() and "Encryption Algorithm" not in labels() and "CMK" not in labels()
    page.choose_method("OSS-Managed")
    assert "Encryption Algorithm" in labels() and "CMK" not in labels()
    page.choose_method("KMS")
    assert "CMK" in labels() and "CMK ID" not in labels()
    assert [option.text for option in Select(page.field("cmk")).options] == ["alias/acs/oss", "Another CMK ID…"]
    Select(page.field("cmk")).select_by_value("")
    assert "CMK ID" in labels()
    page.press("Cancel", "#dialog")
    assert not page.all("#dialog[open]")


def test_refusals_are_said(page):
    page.press("Create Bucket")
    page.field("name").send_keys("twice")
    page.press("OK", "#dialog")
    page.wait(lambda: page.said())
    page.press("Create Bucket")
    page.field("name").send_keys("twice")
    page.press("OK", "#dialog")
    page.wait(lambda: page.all("#dialog .alert")[0].text.startswith("BucketAlreadyExists: "))
    page.press("Cancel", "#dialog")
    bucket_of(page.daemon, "twice").put_object("object", b"x")
    page.press("Delete", what="twice")
    page.press("Delete", "#dialog")
    page.wait(lambda: page.all("#dialog .alert")[0].text.startswith("BucketNotEmpty: "))
    page.press("Cancel", "#dialog")
    page.daemon.stop()
    page.press("Rewrap all")
    page.wait(lambda: "ossd does not answer." in page.all("#error")[0].text)
    page.daemon.start()


@pytest.mark.parametrize("token", ["", "?token=wrong"])
def test_without_the_token_nothing_is_shown(driver, daemon, token):
    page = Page(driver, daemon, daemon.console.partition("?")[0] + token)
    page.wait(lambda: page.all("#error")[0].text.startswith("AccessDenied: "))
    assert not page.rows("buckets") and not page.rows("keys")
    page.check()


def test_names_of_any_kind_are_text(page):
    daemon = page.daemon
    names = [HOSTILE, "../../etc/passwd", "javascript:alert(1)", "{{7*7}}", "a\u202eb"]
    make_bucket(page, "names", "KMS", "", "<b>no-such-key</b>")
    assert ["names", "KMS <b>no-such-key</b>"] in [row[:2] for row in page.rows("buckets")]
    for name in names:
        assert wire.request(daemon, ossd.ADMIN, "PUT", "names", name, headers={SSE: "AES256"}, body=b"x").status == 200
    page.press("names", "#buckets")
    page.wait(lambda: len(page.rows("objects")) == len(names))
    shown = [cell.get_attribute("textContent") for cell in page.all("#objects tbody th")]
    assert sorted(shown) == sorted(names)
    assert not page.all("#objects img, #objects script, #objects b")
    page.all("#prefix")[0].send_keys("<img")
    page.wait(lambda: len(page.rows("objects")) == 1)


def test_objects_by_pages_with_their_method_and_key(page):
    make_bucket(page, "many", "OSS-Managed")
    bucket = bucket_of(page.daemon, "many")
    for i in range(120):
        bucket.put_object(f"object-{i:03}", b"x" * i)
    bucket.put_object("object-000", b"", headers={SSE: "KMS"})
    key = bucket.head_object("object-000").headers[KEY_ID]
    page.press("many", "#buckets")
    page.wait(lambda: len(page.rows("objects")) == 100)
    first, second = page.rows("objects")[:2]
    assert (first[0], first[1], first[3], first[4]) == ("object-000", "0 B", "KMS", key)
    assert (second[0], second[1], second[3], second[5]) == ("object-001", "1 B", "OSS-Managed", "1")
    page.press("Show more", "#objects")
    page.wait(lambda: len(page.rows("objects")) == 120)
    assert not [b for b in page.all("#objects button") if b.text == "Show more"]


def test_keys_are_rotated_disabled_deleted_and_the_census_follows(page):
    daemon = page.daemon
    make_bucket(page, "managed", "OSS-Managed")
    bucket = bucket_of(daemon, "managed")
    for i in range(5):
        bucket.put_object(f"object-{i}", b"x")
    page.driver.refresh()
    page.wait(lambda: page.rows("census"))
    (key,) = [key["key_id"] for key in daemon.api("GET", "keys")["keys"] if key["service"]]
    assert page.rows("census")[0][:3] == [key, "1", "5"]
    page.press("Rotate", what=key)
    page.wait(lambda: page.said().startswith(f"{key}: a new version"))
    assert "2 wraps" in page.rows("keys")[0][2]
    assert page.rows("census")[0][:3] == [key, "1 to be rewrapped", "5"]
    page.press("managed", "#buckets")
    page.wait(lambda: [row[5] for row in page.rows("objects")] == ["1 lags"] * 5)
    page.press("Rewrap all")
    page.wait(lambda: page.said().startswith("5 rewrapped, 0 were up to date, 0 failed."))
    assert page.rows("census")[0][:3] == [key, "2", "5"]
    assert [row[5] for row in page.rows("objects")] == ["2"] * 5

    page.press("Create CMK")
    page.field("key_id").send_keys("finance-1")
    page.field("alias").send_keys("alias/finance")
    page.press("Create", "#dialog")
    page.wait(lambda: page.said() == "finance-1 is made.")
    shown = lambda name: next(row for row in page.rows("keys") if name in row[0])
    for press, sure, wanted in (
        ("Disable", "Disable", "Disabled"),
        ("Enable", None, "Enabled"),
        ("Disable", "Disable", "Disabled"),
        ("Delete", "Schedule deletion", "PendingDeletion"),
        ("Keep", None, "Disabled"),
    ):
        page.press(press, what="finance-1")
        if sure:
            page.press(sure, "#dialog")
        page.wait(lambda: shown("finance-1")[1] == wanted)
        assert {k["key_id"]: k["state"] for k in daemon.api("GET", "keys")["keys"]}["finance-1"] == wanted
    page.press("Period", what=f"of {key}")
    page.field("days").clear()
    page.field("days").send_keys("30")
    page.press("Save", "#dialog")
    page.wait(lambda: shown(key)[4] == "30 days")


def test_it_can_be_read_by_those_who_do_not_see_it(page):
    make_bucket(page, "named", "OSS-Managed")
    bucket_of(page.daemon, "named").put_object("object", b"x")
    page.press("named", "#buckets")
    page.wait(lambda: page.rows("objects"))
    unnamed = page.driver.execute_script(
        "return [...document.querySelectorAll('button, input, select, table, meter, dialog')].filter(e =>"
        " !(e.labels?.length || e.textContent.trim() && e.tagName === 'BUTTON' || e.getAttribute('aria-label')"
        " || e.getAttribute('aria-labelledby'))).map(e => e.outerHTML)"
    )
    assert unnamed == []
    assert page.driver.execute_script("return document.documentElement.lang") == "en"
    assert page.all("[role=alert]") and page.all("[role=status]")
    assert not page.driver.execute_script(
        "return [...document.querySelectorAll('tbody tr')].filter(r => !r.querySelector('th[scope=row]')).length"
    )
    external = page.driver.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
    assert external and all(name.startswith(page.daemon.endpoint + "/-/api/") for name in external)


def test_a_picture_of_a_day(page):
    """What the README shows."""
    daemon = page.daemon
    daemon.api("POST", "keys", {"key_id": "finance-2026", "alias": "alias/finance"})
    daemon.api("POST", "keys", {"key_id": "archive-2019"})
    make_bucket(page, "finance-reports", "KMS", "", "alias/finance")
    make_bucket(page, "service-logs", "OSS-Managed")
    make_bucket(page, "team-photos", "KMS", "alias/acs/oss")
    make_bucket(page, "public-site", "None")
    (key,) = [key["key_id"] for key in daemon.api("GET", "keys")["keys"] if key["service"]]
    put = lambda bucket, name, length: bucket_of(daemon, bucket).put_object(name, b"\0" * length)
    for i in range(9):
        put("service-logs", f"2026/09/{i + 1:02}.log", 81234 * (i + 3))
    daemon.api("POST", f"keys/{key}/rotate")
    for i in range(4):
        put("service-logs", f"2026/10/{i + 1:02}.log", 71234 * (i + 3))
        put("team-photos", f"offsite/{i + 1:04}.jpg", 912345 + 4321 * i)
        put("public-site", f"page-{i}.html", 4321 * (i + 1))
    for quarter in (1, 2, 3):
        put("finance-reports", f"2026/Q{quarter}/accounts.xlsx", 412345 * quarter)
    bucket_of(daemon, "finance-reports").put_object("2026/plan (draft).pdf", b"\0" * 2345678, headers={SSE: "AES256"})
    daemon.api("POST", "keys/archive-2019/disable")
    page.driver.refresh()
    page.wait(lambda: page.rows("buckets"))
    page.press("finance-reports", "#buckets")
    page.wait(lambda: len(page.rows("objects")) == 4)
    page.shot("console")
    page.press("Configure", what="encryption of finance-reports")
    page.shot("console-dialog")
    page.press("Cancel", "#dialog")
    page.driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    page.shot("console-dark")
    page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
