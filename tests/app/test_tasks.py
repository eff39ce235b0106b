"""Tasks over REST, with a real Postgres."""

import asyncio
import json
import uuid

import pytest

from tests.app.client import create, problem, titles
from tests.app.service import Service


def test_a_task_from_creation_to_deletion(service: Service, user: str) -> None:
    with service.client(user) as client:
        task = create(client, user, title="  Buy milk ", due_at="2026-12-24T18:00:00+01:00")
        assert task["title"] == "Buy milk"
        assert task["due_at"] == "2026-12-24T17:00:00Z"
        assert task["completed"] is False
        url = f"/api/{user}/tasks/{task['id']}"
        assert client.get(url).json() == task

        read = {"If-Match": client.get(url).headers["etag"]}
        changed = client.put(url, json={"title": "Buy oat milk"}, headers=read).json()
        assert (changed["title"], changed["due_at"]) == ("Buy oat milk", None)
        assert changed["version"] == 2

        done = client.patch(f"{url}/complete").json()
        assert done["completed"] is True
        assert client.patch(f"{url}/complete").json()["completed"] is True
        again = client.patch(f"{url}/complete", json={"completed": False}).json()
        assert again["completed"] is False

        assert client.delete(url).status_code == 204
        problem(client.get(url), 404)
        problem(client.delete(url), 404)


def test_lists_are_filtered_sorted_and_paged(service: Service, user: str) -> None:
    with service.client(user) as client:
        for title, due in (("b", "2026-01-02"), ("a", "2026-01-03"), ("C%", None)):
            create(client, user, title=title, due_at=due and f"{due}T00:00:00Z")
        first = client.get(f"/api/{user}/tasks", params={"q": "a"}).json()["items"][0]
        client.patch(f"/api/{user}/tasks/{first['id']}/complete")

        assert titles(client, user) == ["C%", "a", "b"]
        assert titles(client, user, sort="created_at") == ["b", "a", "C%"]
        assert titles(client, user, sort="due_at") == ["b", "a", "C%"]
        assert titles(client, user, sort="-due_at") == ["a", "b", "C%"]
        assert titles(client, user, completed="true") == ["a"]
        assert titles(client, user, completed="false") == ["C%", "b"]
        assert titles(client, user, q="c%") == ["C%"]
        assert titles(client, user, q="%") == ["C%"]
        assert titles(client, user, due_before="2026-01-03T00:00:00Z") == ["b"]

        page = client.get(f"/api/{user}/tasks", params={"limit": 2}).json()
        assert page["next_offset"] == 2
        rest = client.get(f"/api/{user}/tasks", params={"limit": 2, "offset": 2}).json()
        assert rest["next_offset"] is None
        assert [task["title"] for task in page["items"] + rest["items"]] == ["C%", "a", "b"]


def test_another_users_task_is_not_found(service: Service, user: str) -> None:
    other = f"{user}-other"
    with service.client(user) as mine, service.client(other) as theirs:
        task = create(mine, user, title="mine")
        url = f"/api/{other}/tasks/{task['id']}"
        problem(theirs.get(url), 404)
        for version in ('"1"', "*"):
            headers = {"If-Match": version}
            problem(theirs.put(url, json={"title": "taken"}, headers=headers), 404)
        problem(theirs.patch(f"{url}/complete"), 404)
        problem(theirs.delete(url), 404)
        assert titles(theirs, other) == []
        assert mine.get(f"/api/{user}/tasks/{task['id']}").json() == task


def test_a_change_to_an_old_version_is_refused(service: Service, user: str) -> None:
    with service.client(user) as client:
        task = create(client, user, title="first")
        url = f"/api/{user}/tasks/{task['id']}"
        old = client.get(url).headers["etag"]
        answer = client.put(url, json={"title": "second"}, headers={"If-Match": old})
        assert answer.headers["etag"] == '"2"'
        late = problem(client.put(url, json={"title": "late"}, headers={"If-Match": old}), 412)
        assert late["detail"] == f"Task {task['id']} has version 2, not 1."
        problem(client.delete(url, headers={"If-Match": old}), 412)
        problem(client.delete(url, headers={"If-Match": "nonsense"}), 422)
        assert client.delete(url, headers={"If-Match": '"2"'}).status_code == 204


def test_a_task_is_not_replaced_unseen(service: Service, user: str) -> None:
    with service.client(user) as client:
        task = create(client, user, title="first")
        url = f"/api/{user}/tasks/{task['id']}"
        unseen = problem(client.put(url, json={"title": "second"}), 428)
        assert "If-Match" in str(unseen["detail"])
        assert client.get(url).json() == task
        forced = client.put(url, json={"title": "third"}, headers={"If-Match": "*"})
        assert (forced.status_code, forced.json()["title"]) == (200, "third")


def test_a_retried_change_is_answered_like_the_first(service: Service, user: str) -> None:
    """The client did not get the answer, and does not know that its change has been made."""
    with service.client(user) as client:
        task = create(client, user, title="first")
        url = f"/api/{user}/tasks/{task['id']}"
        seen = {"If-Match": '"1"'}
        body = {"title": "second", "due_at": "2026-12-24T18:00:00+01:00"}
        first, retry = (client.put(url, json=body, headers=seen) for _ in range(2))
        assert (first.status_code, retry.status_code) == (200, 200)
        assert first.json() == retry.json() == client.get(url).json()
        problem(client.put(url, json={"title": "other"}, headers=seen), 412)
        done = [client.patch(f"{url}/complete", headers={"If-Match": '"2"'}) for _ in range(2)]
        assert [answer.json()["version"] for answer in done] == [3, 3]
        problem(client.put(url, json=body, headers=seen), 412)


async def test_of_concurrent_changes_to_one_version_one_wins(service: Service, user: str) -> None:
    with service.client(user) as client:
        task = create(client, user, title="start")
    async with service.async_client(user) as client:
        answers = await asyncio.gather(
            *(
                client.put(
                    f"/api/{user}/tasks/{task['id']}",
                    json={"title": f"writer {number}"},
                    headers={"If-Match": '"1"'},
                )
                for number in range(8)
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 7


async def test_a_repeated_request_has_its_effect_once(service: Service, user: str) -> None:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    async with service.async_client(user) as client:
        answers = await asyncio.gather(
            *(
                client.post(f"/api/{user}/tasks", json={"title": "once"}, headers=headers)
                for _ in range(8)
            )
        )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.json()["id"] for answer in answers}) == 1
        replayed = [answer for answer in answers if "idempotency-replayed" in answer.headers]
        assert len(replayed) == 7
        other = await client.post(f"/api/{user}/tasks", json={"title": "two"}, headers=headers)
        problem(other, 422)
    with service.client(user) as client:
        assert titles(client, user) == ["once"]


def test_a_key_belongs_to_one_user(service: Service, user: str) -> None:
    headers = {"Idempotency-Key": "same"}
    for name in (user, f"{user}-other"):
        with service.client(name) as client:
            answer = client.post(f"/api/{name}/tasks", json={"title": name}, headers=headers)
            assert answer.json()["title"] == name


@pytest.mark.parametrize("query", ["complete=true", "sort=id", "limit=0", "q=%00", "due_before=1"])
def test_an_invalid_query_is_refused(service: Service, user: str, query: str) -> None:
    with service.client(user) as client:
        problem(client.get(f"/api/{user}/tasks?{query}"), 422)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"title": ""},
        {"title": "   "},
        {"title": "\0"},
        {"title": "x" * 201},
        {"title": "x", "description": "x" * 2001},
        {"title": "x", "due_at": "2026-01-01T00:00:00"},
        {"title": "x", "due_at": 1767225600},
        {"title": "x", "due_at": "1767225600"},
        {"title": "x", "due_at": "0001-01-01T00:00:00+23:59"},
        {"title": "\ud800"},
        [],
    ],
)
def test_an_invalid_task_is_refused(service: Service, user: str, body: object) -> None:
    with service.client(user) as client:
        headers = {"Content-Type": "application/json"}
        # Escaped: not every str has a form in UTF-8.
        answer = client.post(f"/api/{user}/tasks", content=json.dumps(body), headers=headers)
        details = problem(answer, 422)
        assert details["errors"]


def test_a_body_that_is_no_json_is_refused(service: Service, user: str) -> None:
    with service.client(user) as client:
        headers = {"Content-Type": "application/json"}
        problem(client.post(f"/api/{user}/tasks", content=b"{", headers=headers), 422)


def test_too_large_a_body_is_refused(service: Service, user: str) -> None:
    def chunks() -> object:
        for _ in range(70):
            yield b"x" * 1024

    with service.client(user) as client:
        url = f"/api/{user}/tasks"
        problem(client.post(url, content=b"x" * 66_000), 413)
        headers = {"Content-Type": "application/json"}
        problem(client.post(url, content=chunks(), headers=headers), 413)  # type: ignore[arg-type]


def test_an_unknown_path_is_a_problem_too(service: Service) -> None:
    with service.client() as client:
        problem(client.get("/nowhere"), 404)
        problem(client.delete("/health"), 405)


def test_the_request_id_is_taken_over_if_it_is_harmless(service: Service) -> None:
    with service.client() as client:
        given = client.get("/version", headers={"X-Request-ID": "abc-1"})
        assert given.headers["x-request-id"] == "abc-1"
        odd = client.get("/version", headers={"X-Request-ID": 'a"b'})
        assert odd.headers["x-request-id"] != 'a"b'
    assert '"request_id": "abc-1"' in service.text()
