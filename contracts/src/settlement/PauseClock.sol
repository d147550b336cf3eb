// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IInferenceSettlement} from "../interfaces/IInferenceSettlement.sol";
import {AccessManaged} from "@openzeppelin/contracts/access/manager/AccessManaged.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";

/// @title A clock that stands still while the settlement is paused
/// @notice Deadlines of payers are kept in its time, and so move by each pause without being written again: a pause takes
///         no time from an operator to settle in, and gives a payer none to slip away in.
abstract contract PauseClock is IInferenceSettlement, AccessManaged {
    /// @dev One slot, because every settlement reads it. The last pause is `[startedAt, endsAt)`; `before` is how long all
    ///      those before it took together.
    struct Pause {
        uint64 startedAt;
        uint64 endsAt;
        uint64 before;
    }

    uint64 public constant MAX_PAUSE = 7 days;
    uint64 public constant PAUSE_COOLDOWN = 30 days;

    Pause private _pause;

    modifier whenNotPaused() {
        uint64 endsAt = _pause.endsAt;
        require(block.timestamp >= endsAt, InferenceSettlement_Paused(endsAt));
        _;
    }

    /// @inheritdoc IInferenceSettlement
    function pause(uint64 duration) external restricted {
        Pause memory last = _pause;
        require(duration != 0 && duration <= MAX_PAUSE, InferenceSettlement_DurationOutOfRange(duration, 1, MAX_PAUSE));
        uint64 notBefore = last.endsAt == 0 ? 0 : last.endsAt + PAUSE_COOLDOWN;
        require(block.timestamp >= notBefore, InferenceSettlement_PausedRecently(notBefore));
        uint64 startedAt = uint64(block.timestamp);
        uint64 endsAt = startedAt + duration;
        _pause = Pause({startedAt: startedAt, endsAt: endsAt, before: last.before + (last.endsAt - last.startedAt)});
        emit Paused(msg.sender, endsAt);
    }

    /// @inheritdoc IInferenceSettlement
    function unpause() external restricted {
        require(block.timestamp < _pause.endsAt, InferenceSettlement_NotPaused());
        _pause.endsAt = uint64(block.timestamp);
        emit Unpaused(msg.sender);
    }

    /// @inheritdoc IInferenceSettlement
    function pausedUntil() external view returns (uint64) {
        return _pause.endsAt;
    }

    /// @inheritdoc IInferenceSettlement
    function pausedSeconds() public view returns (uint64) {
        Pause memory last = _pause;
        return last.before + uint64(Math.min(block.timestamp, last.endsAt)) - last.startedAt;
    }

    /// @dev Now, on this clock.
    function _running() internal view returns (uint64) {
        return uint64(block.timestamp) - pausedSeconds();
    }

    /// @dev When the world's clock will show a deadline that is kept on this one, if no further pause comes. Saturates: a
    ///      deadline may be the end of time.
    function _deadline(uint64 kept) internal view returns (uint64) {
        return uint64(Math.min(uint256(kept) + pausedSeconds(), type(uint64).max));
    }
}
