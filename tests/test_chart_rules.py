"""Rules in the chart: what is mounted is what the rulebook reads, however it got there."""

import re
from pathlib import Path

import helm_python as helm
import pytest
import yaml

from tests.charts import HELM, ROOT, Release, render, values
from workers.cli.rules.book import rules_in
from workers.rule_folder import files_in
from workers.rulebook import read

MIB = 1024 * 1024


def mounted(release: Release, folder: Path) -> Path:
    """A folder as the kubelet lays it out: files in a folder with a hidden name, and links to them in plain sight."""
    data = folder / "..2026_11_21_10_00_00.1"
    config = release.one("ConfigMap", "-rules")
    *_, volume = release.one("Job", "-rules")["spec"]["template"]["spec"]["volumes"]
    mine = config["metadata"]["name"]
    [source] = [one["configMap"] for one in volume["projected"]["sources"] if one["configMap"]["name"] == mine]
    for item in source["items"]:
        path = data / item["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(config["data"][item["key"]])
    (folder / "..data").symlink_to(data.name)
    for top in {item["path"].split("/")[0] for item in source["items"]}:
        (folder / top).symlink_to(Path("..data") / top)
    return folder


def test_the_example_rules_come_through_to_the_letter(tmp_path: Path) -> None:
    folder = mounted(render({"rules": {"examples": True}}), tmp_path)
    assert read(files_in(folder)).digest == rules_in(HELM / "rules", below=False).digest, "without the gallery"
    assert len(read(files_in(folder))) == 4


def test_rules_in_folders_find_the_names_above_them(tmp_path: Path) -> None:
    book = read(files_in(mounted(render(values("full")), tmp_path)))
    assert set(book.source) == {"salon.yaml", "names.yaml", "north/notes.yaml"}
    [tastings] = [entry for entry in book if entry.rule.name == "tastings"]
    assert tastings.path == "north/notes.yaml"


def test_they_are_applied_once_the_release_is_there() -> None:
    release = render({"rules": {"examples": True, "message": "by Robin"}})
    job = release.one("Job", "-rules")
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "post-install,post-upgrade,post-rollback"
    assert job["metadata"]["annotations"]["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"
    [container] = job["spec"]["template"]["spec"]["containers"]
    given = ["--from", "booking-slotwright-rules", "--author", "Helm", "-m", "by Robin"]
    assert container["args"] == ["rules", "apply", "/rules", *given]
    assert container["volumeMounts"] == [{"name": "rules", "mountPath": "/rules", "readOnly": True}]


def test_the_job_tells_rules_that_changed_from_those_that_did_not() -> None:
    def checksum(text: str) -> str:
        job = render({"rules": {"files": {"salon.yaml": text}}, "podAnnotations": {"a": "b"}}).one("Job", "-rules")
        annotations = job["spec"]["template"]["metadata"]["annotations"]
        assert annotations["a"] == "b"
        return str(annotations["checksum/rules"])

    assert checksum("rules: []") == checksum("rules: []") != checksum("rules: {}")


def test_a_file_of_the_operators_goes_before_an_example_of_its_name() -> None:
    release = render({"rules": {"examples": True, "files": {"salon.yaml": "rules: []"}}})
    assert release.one("ConfigMap")["data"] == {"salon.yaml": "rules: []"}


def test_without_rules_nothing_is_applied_and_the_notes_say_so() -> None:
    release = render({})
    assert [job["metadata"]["name"] for job in release.all("Job")] == ["booking-slotwright-migrations"]
    assert release.all("ConfigMap") == []
    assert "No rules are given" in release.notes


def test_a_config_map_is_filled_to_its_limit_and_no_further() -> None:
    def files(size: int) -> dict[str, object]:
        return {"rules": {"files": {"one.yaml": "#" * (size - 10), "two.yaml": "é" * 5}}}

    [config] = render(files(MIB)).all("ConfigMap")
    assert sum(len(text.encode()) for text in config["data"].values()) == MIB
    with pytest.raises(
        helm.HelmRenderError, match=f"{MIB + 1} bytes are more than a ConfigMap holds .* rules.configMaps"
    ):
        render(files(MIB + 1))


def test_what_is_larger_comes_from_several_config_maps() -> None:
    release = render({"rules": {"configMaps": ["north", "south"]}})
    assert release.all("ConfigMap") == []
    [volume] = release.one("Job", "-rules")["spec"]["template"]["spec"]["volumes"]
    assert [source["configMap"] for source in volume["projected"]["sources"]] == [{"name": "north"}, {"name": "south"}]


def test_or_from_any_volume() -> None:
    [volume] = render(values("volume")).one("Job", "-rules")["spec"]["template"]["spec"]["volumes"]
    assert volume == {"name": "rules", "persistentVolumeClaim": {"claimName": "rules", "readOnly": True}}


def test_a_template_in_a_rule_is_not_read_by_helm() -> None:
    text = yaml.safe_dump(
        [{"name": "x", "when": "appointment.created", "then": [{"do": "add_note", "text": "{{ starts | day }}"}]}]
    )
    assert render({"rules": {"files": {"x.yaml": text}}}).one("ConfigMap")["data"]["x.yaml"] == text


def test_a_folder_that_is_reached_by_several_ways_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "south").mkdir()
    (tmp_path / "south" / "rules.yaml").write_text("rules: []")
    (tmp_path / "current").symlink_to("south")
    (tmp_path / "south" / "round").symlink_to(tmp_path)
    assert set(files_in(tmp_path)) == {"south/rules.yaml"}


@pytest.mark.parametrize("page", ["README.md", "helm/values.yaml", "helm/templates/NOTES.txt"])
def test_what_the_pages_tell_to_type_gives_the_chart_a_file(page: str, tmp_path: Path) -> None:
    (tmp_path / "salon.yaml").write_text("rules: []")
    [told] = re.findall(r"--set-file '(.*?)'", (ROOT / page).read_text())
    given = helm.parse_set_file(told.replace("=salon.yaml", f"={tmp_path}/salon.yaml"))
    assert render(given).one("ConfigMap")["data"] == {"salon.yaml": "rules: []"}
