"""Scores of x: buffers, options, threads, interruption."""

import array
import gc
import os
import signal
import subprocess
import sys
import threading
import time

import numpy
import pytest

import mmoe


@pytest.fixture(scope="module")
def x():
    return numpy.random.default_rng(3).normal(size=(300, 24)).astype("float32")


@pytest.fixture(scope="module")
def expected(plain, x):
    return mmoe.Session(plain).score(x)


def same(found, wanted):
    return numpy.asarray(found).tobytes() == numpy.asarray(wanted).tobytes()


def test_scores_of_single_rows_are_arrays_of_their_own(plain):
    session = mmoe.Session(plain)
    x = numpy.random.default_rng(3).normal(0, 1, (200, 24)).astype("float32")
    expected = session.score(x)
    rows = [session.score(row) for row in x]  # kept while others are made
    assert all(row.shape == (2,) and row.dtype == "float32" and row.flags.writeable and row.flags.c_contiguous
               for row in rows)
    assert numpy.stack(rows).tobytes() == expected.tobytes()
    rows[0][:] = 7
    assert numpy.stack(rows[1:]).tobytes() == expected[1:].tobytes()
    session.close()
    assert numpy.stack(rows[1:]).tobytes() == expected[1:].tobytes()


def test_shapes(plain, x, expected):
    session = mmoe.Session(plain)
    assert expected.shape == (300, 2) and expected.dtype == numpy.float32
    assert session.score(x[7]).shape == (2,) and same(session.score(x[7]), expected[7])
    assert same(session.score(x[7:8]), expected[7:8])
    assert session.score(x[:0]).shape == (0, 2)


def test_out_is_used(plain, x, expected):
    session = mmoe.Session(plain)
    out = numpy.full((300, 2), -1, "float32")
    assert session.score(x, out) is out and same(out, expected)
    wide = numpy.full((300, 5), -1, "float32")
    session.score(x, out=wide[:, 1:3])
    assert same(wide[:, 1:3].copy(), expected) and (wide[:, [0, 3, 4]] == -1).all()
    one = numpy.empty(2, "float32")
    assert session.score(x[3], one) is one and same(one, expected[3])


def test_no_copy(plain):
    """x of a gigabyte would not go unnoticed; what is seen here is that a change of x is seen."""
    x = numpy.zeros((4, 24), "float32")
    session = mmoe.Session(plain)
    before = session.score(x)
    x[2] = 1
    after = session.score(x)
    assert same(before[[0, 1, 3]], after[[0, 1, 3]]) and not same(before[2], after[2])


def test_strides(plain, x, expected):
    session = mmoe.Session(plain)
    wide = numpy.zeros((300, 40), "float32")
    wide[:, 8:32] = x
    assert same(session.score(wide[:, 8:32]), expected)
    assert same(session.score(x[::3]), expected[::3])
    assert same(session.score(x[::3][4]), expected[12])
    with pytest.raises(mmoe.InputError, match="ascontiguousarray"):
        session.score(numpy.asfortranarray(x))
    with pytest.raises(mmoe.InputError, match="ascontiguousarray"):
        session.score(x[::-1])
    with pytest.raises(mmoe.InputError, match="ascontiguousarray"):
        session.score(numpy.zeros((3, 48), "float32")[:, ::2])
    with pytest.raises(mmoe.InputError, match="ascontiguousarray"):
        session.score(numpy.broadcast_to(x[0], (300, 24)))
    with pytest.raises(mmoe.InputError, match="aligned"):
        session.score(numpy.frombuffer(bytes(1 + 4 * 24), "u1")[1:].view("float32"))


def test_other_buffers(plain, x, expected):
    session = mmoe.Session(plain)
    assert same(session.score(array.array("f", x[0].tolist())), expected[0])
    assert same(session.score(memoryview(x)), expected)
    assert same(session.score(x[:2].tolist()), expected[:2])
    assert same(session.score(x[0].tolist()), expected[0])
    out = array.array("f", [0, 0])
    assert session.score(x[0], out) is out and same(out, expected[0])


class Tensor:
    """A tensor that has DLPack alone, as those of PyTorch have no buffer."""

    def __init__(self, values):
        self.values = values

    def __dlpack__(self, **_):
        return self.values.__dlpack__()

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


def test_dlpack(plain, x, expected):
    assert same(mmoe.Session(plain).score(Tensor(x)), expected)


@pytest.mark.parametrize("wrong, message", [
    (numpy.zeros((2, 24)), "float32"),
    (numpy.zeros((2, 24), "float16"), "float32"),
    (numpy.zeros((2, 24), ">f4"), "float32"),
    (numpy.zeros((2, 24), "int32"), "float32"),
    (numpy.zeros((2, 23), "float32"), r"shape \[2, 23\], expected \[rows, 24\]"),
    (numpy.zeros(25, "float32"), r"shape \[25\]"),
    (numpy.zeros((1, 2, 24), "float32"), "shape"),
    (numpy.float32(1), "shape"),
    (b"abcd" * 24, "float32"),
    (None, "NoneType"),
    ("text", "str"),
])
def test_wrong_x(plain, wrong, message):
    with pytest.raises(mmoe.InputError, match=message):
        mmoe.Session(plain).score(wrong)


@pytest.mark.parametrize("wrong, error, message", [
    (numpy.zeros((2, 2)), mmoe.InputError, "out: .*float32"),
    (numpy.zeros((3, 2), "float32"), mmoe.InputError, "out: 3 rows, needs 2"),
    (numpy.zeros((2, 3), "float32"), mmoe.InputError, "out: shape"),
    (bytes(16), (BufferError, ValueError), "read-only|writable"),
    ([0.0, 0.0], mmoe.InputError, "out"),
])
def test_wrong_out(plain, x, wrong, error, message):
    with pytest.raises(error, match=message):
        mmoe.Session(plain).score(x[:2], wrong)


def test_arguments(plain, x):
    session = mmoe.Session(plain)
    for call in (lambda: session.score(), lambda: session.score(x, None, None), lambda: session.score(x, y=1),
                 lambda: session.score(x, x=x), lambda: mmoe.Session(), lambda: mmoe.Session(x),
                 lambda: mmoe.Session(plain, wrong=1), lambda: mmoe.Session(plain, tasks="click"),
                 lambda: mmoe.Session(plain, max_batch=1.5)):
        with pytest.raises(TypeError):
            call()
    for call in (lambda: mmoe.Session(plain, tasks=["clack"]), lambda: mmoe.Session(plain, tasks=[7]),
                 lambda: mmoe.Session(plain, tasks=[]), lambda: mmoe.Session(plain, top_k=-1),
                 lambda: mmoe.Session(plain, non_finite="maybe"),
                 lambda: mmoe.Session(plain, threads=-1), lambda: mmoe.Session(plain, threads=0),
                 lambda: mmoe.Session(plain, threads=10**6), lambda: mmoe.Session(plain, skip_experts="often")):
        with pytest.raises(mmoe.InputError):
            call()
    with pytest.raises(mmoe.Error, match="abacus"):
        mmoe.Session(plain, kernel_set="abacus")
    with pytest.raises(mmoe.LimitError):
        mmoe.Session(plain, max_multiply_adds=10)


def test_tasks(plain, x, expected):
    session = mmoe.Session(plain, tasks=["like"])
    assert session.tasks == ("like",) and same(session.score(x), expected[:, 1].copy())
    both = mmoe.Session(plain, tasks=[1, 0])
    assert both.tasks == ("like", "click") and same(both.score(x), expected[:, ::-1].copy())
    assert session.multiply_adds_per_row < both.multiply_adds_per_row


def test_gates_and_logits(plain, x, expected):
    session = mmoe.Session(plain)
    assert [gate.tasks for gate in session.gates] == [("click",), ("like",)]
    assert session.gates[1].experts == (0, 1, 2, 3) and session.gates[1].column == 4
    scores, gates, logits = session.score_all(x)
    assert same(scores, expected) and gates.shape == (300, 8) and logits.shape == (300, 2)
    assert numpy.allclose(gates.reshape(300, 2, 4).sum(axis=2), 1, atol=1e-6)  # softmax of 4 floats: some ulp
    assert numpy.allclose(scores, 1 / (1 + numpy.exp(-logits)), atol=1e-6)
    sparse = mmoe.Session(plain, top_k=1)
    assert sparse.top_k == 1 and ((sparse.score_all(x).gates > 0).sum(axis=1) == 2).all()
    with pytest.raises(mmoe.InputError, match="gates: shape"):
        session.score(x, gates=numpy.zeros((300, 7), "float32"))


def test_non_finite(plain):
    x = numpy.zeros((3, 24), "float32")
    x[1, 5] = numpy.nan
    assert numpy.isnan(mmoe.Session(plain).score(x)).tolist() == [[False] * 2, [True] * 2, [False] * 2]
    with pytest.raises(mmoe.NonFiniteError) as caught:
        mmoe.Session(plain, non_finite="error").score(x)
    assert isinstance(caught.value, ValueError)


def test_user_and_candidates(raw):
    x = numpy.random.default_rng(5).normal(size=(40, raw.input_dim)).astype("float32")
    x[:, : raw.user_dim] = x[0, : raw.user_dim]
    session = mmoe.Session(raw)
    whole = session.score(x)
    user, items = x[0, : raw.user_dim], x[:, raw.user_dim :]
    assert same(session.score(items, user=user), whole)
    session.set_user(user)
    assert same(session.score(items, candidates=True), whole)
    assert same(session.score(items[4], candidates=True), whole[4])
    with pytest.raises(mmoe.InputError, match="user: 2 rows"):
        session.score(items, user=x[:2, : raw.user_dim])
    with pytest.raises(mmoe.InputError, match="shape"):
        session.score(x, user=user)
    with pytest.raises(mmoe.InputError):
        mmoe.Session(raw).score(items, candidates=True)  # no user is set


def test_no_user_part(plain, x):
    with pytest.raises(mmoe.InputError, match="user"):
        mmoe.Session(plain).set_user(x[0])


def test_closed(plain, x):
    with mmoe.Session(plain) as session:
        session.score(x[0])
    assert session.closed and "closed" in repr(session)
    session.close()
    for call in (lambda: session.score(x), lambda: session.set_user(x), lambda: session.kernel_set,
                 lambda: session.gates, lambda: session.replay_golden(), lambda: session.tasks):
        with pytest.raises(mmoe.InputError, match="closed"):
            call()


def test_the_session_keeps_its_model(plain_path, x, expected):
    session = mmoe.Session(mmoe.Model.load(plain_path))
    gc.collect()
    assert same(session.score(x), expected)


def test_own_threads(plain, x, expected):
    many = numpy.tile(x, (20, 1))
    for threads in (2, 5, mmoe.ThreadPool(3)):
        session = mmoe.Session(plain, threads, max_batch=1000)
        assert same(session.score(many), numpy.tile(expected, (20, 1)))
    pool = mmoe.ThreadPool(3)
    sessions = [mmoe.Session(plain, pool) for _ in range(3)]
    assert pool.num_threads == 3 and all(session.num_workers == 3 for session in sessions)
    del pool
    assert all(same(session.score(x), expected) for session in sessions)


@pytest.mark.parametrize("threads", [1, 2])
def test_several_callers_of_one_session(plain, x, expected, threads):
    """They wait for each other; the scores are right."""
    session = mmoe.Session(plain, threads)
    wrong = []

    def work():
        for begin in range(0, 300, 10):
            if not same(session.score(x[begin : begin + 10]), expected[begin : begin + 10]):
                wrong.append(begin)
            if not same(session.score(x), expected):
                wrong.append(-1)

    callers = [threading.Thread(target=work) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert wrong == []


def test_closing_while_others_score(plain, x):
    session = mmoe.Session(plain)
    stopped = []

    def work():
        try:
            while True:
                session.score(x)
        except mmoe.InputError as error:
            stopped.append(str(error))

    callers = [threading.Thread(target=work) for _ in range(3)]
    for caller in callers:
        caller.start()
    time.sleep(0.05)
    session.close()
    for caller in callers:
        caller.join()
    assert len(stopped) == 3 and "closed" in stopped[0]


def test_other_threads_run_meanwhile(large):
    """Another thread counts while a call scores for long."""
    x = numpy.ones((4000, 256), "float32")
    session = mmoe.Session(large)
    steps, done = [0], threading.Event()

    def count():
        while not done.is_set():
            steps[0] += 1

    thread = threading.Thread(target=count)
    thread.start()
    before = steps[0]
    session.score(x)
    during = steps[0] - before
    done.set()
    thread.join()
    assert during > 100


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_interrupted(large):
    """Ctrl-C ends a call of many rows between its parts."""
    session = mmoe.Session(large)
    x = numpy.ones((4000, 256), "float32")
    begin = time.monotonic()
    session.score(x)
    whole = time.monotonic() - begin
    many = numpy.ones((40000, 256), "float32")
    threading.Timer(min(0.2, whole), lambda: os.kill(os.getpid(), signal.SIGINT)).start()
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        session.score(many)
    assert time.monotonic() - begin < 8 * whole  # all of it takes ten times as long
    session.score(x[:10])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork() of POSIX")
def test_forked(plain, x, expected):
    """A child has none of the threads: an error, not a call that never returns."""
    alone, threaded = mmoe.Session(plain), mmoe.Session(plain, 2)
    threaded.score(x)
    child = os.fork()
    if child == 0:
        code = 3
        try:
            threaded.score(x)
        except mmoe.InputError as error:
            code = 0 if "forked" in str(error) and same(alone.score(x), expected) else 4
        finally:
            del threaded
            gc.collect()
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert same(threaded.score(x), expected)


def test_without_numpy(plain_path, tmp_path):
    """Where NumPy is not installed, results are memoryviews."""
    (tmp_path / "numpy.py").write_text("raise ImportError('not here')\n")
    program = f"""
import array, mmoe
session = mmoe.Session(mmoe.Model.load({str(plain_path)!r}))
one = session.score(array.array("f", [0.5] * 24))
two = session.score([[0.5] * 24, [1.0] * 24])
everything = session.score_all([[0.5] * 24])
assert isinstance(one, memoryview) and one.tolist() == two.tolist()[0] == everything.scores.tolist()[0], one
assert two.shape == (2, 2) and everything.gates.shape == (1, 8)
print(one.tolist())"""
    path = os.pathsep.join([str(tmp_path), os.path.dirname(os.path.dirname(mmoe.__file__))])
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path}, text=True,
                          capture_output=True)
    assert done.returncode == 0, done.stderr
    session = mmoe.Session(mmoe.Model.load(plain_path))
    assert done.stdout.strip() == str(session.score(numpy.full(24, 0.5, "float32")).tolist())


def test_nothing_leaks(plain, x):
    session = mmoe.Session(plain)
    out = numpy.empty((10, 2), "float32")
    wrong = numpy.zeros((2, 3), "float32")
    counts = [sys.getrefcount(value) for value in (x, out, wrong, session, plain)]
    for _ in range(1000):
        session.score(x[:10], out)
        session.score(x[:10])
        mmoe.Session(plain, tasks=["like"]).close()
        with pytest.raises(mmoe.InputError):
            session.score(wrong)
    assert counts == [sys.getrefcount(value) for value in (x, out, wrong, session, plain)]
