"""Privacy: keyed pseudonyms, removal of users, checks of exports, private and federated fits."""

from __future__ import annotations

from hybridrec.privacy.accountant import PrivacyBudget
from hybridrec.privacy.anonymity import Anonymity, anonymity
from hybridrec.privacy.federated import FederatedALS, Party, federated_fit, over_items
from hybridrec.privacy.private_als import PrivateALS, PrivateParty, private_item_side
from hybridrec.privacy.pseudonyms import Pseudonyms
from hybridrec.privacy.removal import dataset_without, forget, interactions_without

__all__ = [
    "Anonymity",
    "FederatedALS",
    "Party",
    "PrivacyBudget",
    "PrivateALS",
    "PrivateParty",
    "Pseudonyms",
    "anonymity",
    "dataset_without",
    "federated_fit",
    "forget",
    "interactions_without",
    "over_items",
    "private_item_side",
]
