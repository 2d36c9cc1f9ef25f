"""A simulated content feed: users, items, two labels that disagree, and the truth behind them.

Everything here is made up. It has what section 6 of Ma et al., KDD 2018 says of its data, which are
not public: sparse ids of heavy-tailed vocabularies, dense features in [0, 1], an engagement label
of every row and a satisfaction label of few.

    world = World(seed=1, conflict=0.5, sizes=FULL)
    rows = world.draw(1000, world.stream("train"))
    rows.ids, rows.dense, rows.engaged, rows.rating, rows.expected

A user's taste for engagement is a unit vector p, that for satisfaction a unit vector q; their
cosine is 1 - 2 conflict. An item's content is a unit vector a; p.a and q.a move the two labels.
Beside that an item has quality, which raises both labels, and clickbait, which raises engagement
and lowers satisfaction in proportion to `conflict`. Tastes are mostly a segment's, content mostly a
topic's and a creator's: that is what a model can learn of users and items it has seen seldom. A
feed also knows what a user clicked and liked before, and what an item is about: p, q and a with
noise are dense features.
"""

import dataclasses
import zlib

import numpy as np

LATENT = 4
USER_IDS, ITEM_IDS = ("user", "segment", "country"), ("item", "creator", "topic")
SPARSE = (*USER_IDS, *ITEM_IDS)


def numbered(name):
    return tuple(f"{name}{k}" for k in range(1, LATENT + 1))


USER_DENSE = ("activity", "novelty", "preferred_length", *numbered("clicked"), *numbered("liked"))
ITEM_DENSE = ("freshness", "length", "past_rate", *numbered("theme"))
CONTEXT_DENSE = ("hour_sine", "hour_cosine", "depth")
DENSE = (*USER_DENSE, *ITEM_DENSE, *CONTEXT_DENSE)

# Sizes of the vocabularies. The rest of a vocabulary's law is TAILS.
FULL = {"user": 200_000, "segment": 1_000, "country": 100,
        "item": 500_000, "creator": 50_000, "topic": 1_000}
SMALL = {"user": 2_000, "segment": 50, "country": 10, "item": 3_000, "creator": 300, "topic": 50}
# The id of rank r is drawn in proportion to 1 / (r + 10)^tail.
TAILS = {"user": 0.8, "segment": 0.8, "country": 1.2, "item": 1.05, "creator": 1.0, "topic": 0.9}
RATINGS = 5


@dataclasses.dataclass
class Rows:
    """Impressions. ids: int64 [rows, 6] (SPARSE); dense: float32 [rows, 21] (DENSE); engaged:
    bool [rows]; rating: float32 [rows], 1 to 5, NaN where nobody was asked; expected: float64
    [rows, 2], the probability of engagement and the mean rating that the labels were drawn from."""

    ids: np.ndarray
    dense: np.ndarray
    engaged: np.ndarray
    rating: np.ndarray
    expected: np.ndarray

    def __len__(self):
        return len(self.ids)

    def first(self, count):
        return Rows(*(getattr(self, field.name)[:count] for field in dataclasses.fields(self)))

    @property
    def rated(self):
        """bool [rows]: who was asked."""
        return ~np.isnan(self.rating)


def unit(vectors):
    """float32 [n, k], each of length 1."""
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def noisy(vectors, rng):
    """Unit vectors as features in [0, 1] that tell them roughly."""
    told = 0.5 + 0.4 * (vectors + rng.normal(0, 0.3, vectors.shape))
    return np.clip(told, 0, 1).astype(np.float32)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


class Ids:
    """Draws ids 0 .. size - 1, the frequent ones first, as vocabularies are sorted."""

    def __init__(self, size, tail):
        weights = np.cumsum(1 / (np.arange(size) + 10.0) ** tail)
        self.edges = weights / weights[-1]

    def __call__(self, rng, count):
        return np.minimum(np.searchsorted(self.edges, rng.random(count)), len(self.edges) - 1)


class World:
    """Users and items of one seed. conflict: 0 (both labels want the same) to 1 (the opposite)."""

    def __init__(self, seed, conflict=0.5, sizes=None, engagement_rate=0.15, rating_rate=0.03):
        if not 0 <= conflict <= 1:
            raise ValueError(f"conflict is {conflict}, not in 0 .. 1")
        self.seed, self.conflict, self.rating_rate = seed, conflict, rating_rate
        self.sizes = dict(sizes or FULL)
        self.draw_ids = {name: Ids(self.sizes[name], TAILS[name]) for name in SPARSE}
        self.make_users(self.stream("users"))
        self.make_items(self.stream("items"))
        self.base = 0.0
        self.base = self.calibrate(engagement_rate)

    def stream(self, name):
        """A generator of its own for each purpose, so that one does not shift another."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def make_users(self, rng):
        users, segments = self.sizes["user"], self.sizes["segment"]
        self.segment = self.draw_ids["segment"](rng, users)
        self.country = self.draw_ids["country"](rng, users)
        self.country_effect = rng.normal(0, 0.3, (self.sizes["country"], 2))
        common = [unit(rng.normal(size=(segments, LATENT))) for _ in range(2)]
        own = [unit(rng.normal(size=(users, LATENT))) for _ in common]
        p, other = (unit(0.8 * c[self.segment] + 0.6 * o) for c, o in zip(common, own))
        across = unit(other - (other * p).sum(1, keepdims=True) * p)
        cosine = 1 - 2 * self.conflict
        self.tastes = p, (cosine * p + np.sqrt(1 - cosine ** 2) * across).astype(np.float32)
        self.habits = rng.beta(2, 2, (users, 3)).astype(np.float32)
        self.history = np.hstack([noisy(taste, rng) for taste in self.tastes])

    def make_items(self, rng):
        items, creators = self.sizes["item"], self.sizes["creator"]
        self.creator = self.draw_ids["creator"](rng, items)
        main_topic = self.draw_ids["topic"](rng, creators)
        other_topic = self.draw_ids["topic"](rng, items)
        self.topic = np.where(rng.random(items) < 0.7, main_topic[self.creator], other_topic)
        parts = [unit(rng.normal(size=(n, LATENT))) for n in (self.sizes["topic"], creators, items)]
        self.content = unit(
            0.8 * parts[0][self.topic] + 0.45 * parts[1][self.creator] + 0.4 * parts[2])
        self.quality, self.clickbait = (
            0.8 * rng.normal(size=creators)[self.creator] + 0.6 * rng.normal(size=items)
            for _ in range(2))
        # What the feed knows of an item: its length, and how often it was engaged with so far.
        self.length = rng.beta(2, 2, items)
        seen = 0.4 * self.quality + 0.6 * self.clickbait + rng.normal(0, 0.5, items)
        self.past_rate = sigmoid(seen)
        self.theme = noisy(self.content, rng)

    def calibrate(self, rate):
        """The constant with which `rate` of the impressions are engaged with."""
        rows = self.draw(min(100_000, self.sizes["user"] * 10), self.stream("calibration"))
        logits = np.log(rows.expected[:, 0] / (1 - rows.expected[:, 0]))
        low, high = -10.0, 10.0
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if sigmoid(logits + middle).mean() < rate else (low, middle)
        return middle

    def draw(self, count, rng):
        """Rows of users and items drawn each by how active and how popular they are."""
        user, item = self.draw_ids["user"](rng, count), self.draw_ids["item"](rng, count)
        context, freshness = self.context(rng, count), rng.random(count).astype(np.float32)
        return self.show(user, item, context, freshness, rng)

    def requests(self, count, candidates, rng):
        """Rows of `count` requests: one user and context each, `candidates` different items."""
        user = np.repeat(self.draw_ids["user"](rng, count), candidates)
        hour, depth = (np.repeat(part, candidates) for part in self.context(rng, count))
        item = np.concatenate([self.distinct_items(rng, candidates) for _ in range(count)])
        freshness = rng.random(len(item)).astype(np.float32)
        return self.show(user, item, (hour, depth), freshness, rng)

    def distinct_items(self, rng, count):
        """By popularity, without repetition."""
        found = []
        while len(found) < count:
            found = list(dict.fromkeys([*found, *self.draw_ids["item"](rng, count)]))
        return np.array(found[:count])

    @staticmethod
    def context(rng, count):
        """Hour as an angle, and how deep in the session: [count] each."""
        return rng.random(count) * 2 * np.pi, rng.random(count)

    def show(self, user, item, context, freshness, rng):
        """What is seen and what comes of it. All arguments but rng: [rows]."""
        hour, depth = context
        ids = np.stack([user, self.segment[user], self.country[user],
                        item, self.creator[item], self.topic[item]], axis=1).astype(np.int64)
        dense = np.column_stack([
            self.habits[user], self.history[user],
            freshness, self.length[item], self.past_rate[item], self.theme[item],
            0.5 + 0.5 * np.sin(hour), 0.5 + 0.5 * np.cos(hour), depth]).astype(np.float32)
        expected = np.empty((len(user), 2))
        for rows in np.array_split(np.arange(len(user)), max(1, len(user) // 100_000)):
            expected[rows] = self.expect(ids[rows], dense[rows].astype(np.float64))
        engaged = rng.random(len(user)) < expected[:, 0]
        rating = 1.0 + rng.binomial(RATINGS - 1, (expected[:, 1] - 1) / (RATINGS - 1))
        rating[rng.random(len(user)) >= self.rating_rate] = np.nan
        return Rows(ids, dense, engaged, rating.astype(np.float32), expected)

    def expect(self, ids, dense):
        """Probability of engagement and mean rating, [rows, 2]."""
        user, item, country = ids[:, 0], ids[:, 3], ids[:, 2]
        activity, novelty, preferred, fresh, length, hour, depth = (
            dense[:, DENSE.index(name)] for name in (
                "activity", "novelty", "preferred_length", "freshness", "length", "hour_cosine",
                "depth"))
        liking = [np.einsum("ij,ij->i", taste[user], self.content[item]) for taste in self.tastes]
        quality, clickbait = self.quality[item], self.clickbait[item]
        news = 4 * (novelty - 0.5) * (fresh - 0.5)
        fit = -6 * (length - preferred) ** 2
        engage = (self.base + 2.0 * liking[0] + 0.3 * quality + 0.5 * clickbait + news + fit
                  + 1.5 * (activity - 0.5) + 0.5 * hour - depth + self.country_effect[country, 0])
        # Satisfaction: longer pieces satisfy more; what one has seen enough of, less.
        satisfy = (0.3 + 1.6 * liking[1] + 0.5 * quality - self.conflict * clickbait + 0.5 * news
                   + 1.5 * (length - 0.5) - 1.5 * depth * (1 - activity)
                   + self.country_effect[country, 1])
        return np.column_stack([sigmoid(engage), 1 + (RATINGS - 1) * sigmoid(satisfy)])
