// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IUptimeLedger} from "../src/interfaces/IUptimeLedger.sol";
import {Base} from "./Base.t.sol";

/// @notice A drawn period that has ended, and random reports about it.
abstract contract UptimeBase is Base {
    uint64 internal constant PERIOD = 1;

    uint32[] internal members;
    uint256 internal words;

    /// @dev Registers operators, draws the committee of `PERIOD` and waits for its end.
    function _endPeriodOf(uint256 operatorCount) internal {
        _registerOperators(operatorCount);
        members = _draw(PERIOD);
        words = (operatorCount + 255) / 256;
        _warpTo(_periodStart(PERIOD + 1));
    }

    /// @dev Reports of the seats that are set in `seats`. Every report differs a little from a truth that they share, so
    ///      that every count of votes from none to all occurs. `up` is set where `observed` is not, too: it must not count.
    function _randomReports(uint256 seed, uint256 seats) internal view returns (IUptimeLedger.Report[] memory reports) {
        reports = new IUptimeLedger.Report[](_ones(seats));
        uint256 next = 0;
        for (uint8 seat = 0; seat < members.length; ++seat) {
            if (seats & (1 << seat) == 0) continue;
            (uint256[] memory observed, uint256[] memory up) = _randomBitmaps(seed, seat);
            reports[next++] = _report(PERIOD, members, seat, observed, up);
        }
    }

    function _randomBitmaps(uint256 seed, uint8 seat)
        internal
        view
        returns (uint256[] memory observed, uint256[] memory up)
    {
        observed = new uint256[](SLOTS * words);
        up = new uint256[](SLOTS * words);
        for (uint256 i = 0; i < observed.length; ++i) {
            observed[i] = _noisy(uint256(keccak256(abi.encode(seed, "observed", i))), seed, seat, i);
            up[i] = _noisy(uint256(keccak256(abi.encode(seed, "up", i))), seed + 1, seat, i);
        }
    }

    /// @dev A quarter of the bits are the seat's own.
    function _noisy(uint256 truth, uint256 seed, uint8 seat, uint256 position) private pure returns (uint256) {
        uint256 mask = uint256(keccak256(abi.encode(seed, "mask", seat, position)))
            & uint256(keccak256(abi.encode(seed, "thin", seat, position)));
        return truth ^ mask;
    }

    function _ones(uint256 set) internal pure returns (uint256 count) {
        for (; set != 0; set &= set - 1) {
            ++count;
        }
    }

    /// @dev The seats of a committee, all of them.
    function _allSeats() internal view returns (uint256) {
        return (1 << members.length) - 1;
    }

    function _post(IUptimeLedger.Report[] memory reports) internal {
        vm.prank(reporter);
        ledger.post(PERIOD, members, reports);
    }

    /// @dev What the reports say about one operator in one slot, counted vote by vote.
    function _naiveVerdict(IUptimeLedger.Report[] memory reports, uint256 index, uint256 slot)
        internal
        view
        returns (bool observed, bool up)
    {
        uint256 position = slot * words + index / 256;
        uint256 ups = 0;
        uint256 downs = 0;
        for (uint256 i = 0; i < reports.length; ++i) {
            if (members[reports[i].seat] == index) continue;
            if ((reports[i].observed[position] >> (index % 256)) & 1 == 0) continue;
            if ((reports[i].up[position] >> (index % 256)) & 1 == 1) ++ups;
            else ++downs;
        }
        up = ups >= 4;
        observed = up || downs >= 4;
    }

    /// @dev The whole result, counted vote by vote.
    function _naiveResult(IUptimeLedger.Report[] memory reports)
        internal
        view
        returns (uint256[] memory observed, uint256[] memory up)
    {
        observed = new uint256[](SLOTS * words);
        up = new uint256[](SLOTS * words);
        for (uint256 i = 0; i < observed.length; ++i) {
            for (uint256 bit = 0; bit < 256; ++bit) {
                (bool wasObserved, bool wasUp) = _naiveVerdict(reports, (i % words) * 256 + bit, i / words);
                if (wasObserved) observed[i] |= 1 << bit;
                if (wasUp) up[i] |= 1 << bit;
            }
        }
    }
}
