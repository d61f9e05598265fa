"""Undoes a transaction, offsets included.

kafka-python goes on remembering offsets that the broker refused with their transaction (it clears
``_pending_txn_offset_commits`` on success alone), and sends them along with the next one: that
then commits offsets of messages whose results were dropped, and these messages are lost.
"""

from __future__ import annotations

from kafka import KafkaProducer


def abort_transaction(producer: KafkaProducer) -> None:
    """Aborts the transaction that is open, so that nothing of it is left for the next one.

    Args:
        producer: Transactional; a transaction was begun.

    Raises:
        KafkaError: The producer is of no use any more.
    """
    producer.abort_transaction()
    manager = producer._transaction_manager
    manager._pending_txn_offset_commits.clear()
