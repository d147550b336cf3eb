// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IUptimeLedger} from "../../src/interfaces/IUptimeLedger.sol";
import {UptimeBase} from "../UptimeBase.t.sol";

/// @notice Attack: a member votes itself up.
contract SelfReportedUptimeTest is UptimeBase {
    /// @dev A member that is down says it is up, and finds three others to say so: its own word would make four.
    function test_AMembersOwnVoteMakesNoMajority() public {
        _endPeriodOf(12);
        uint256 liar = members[2];
        IUptimeLedger.Report[] memory reports = new IUptimeLedger.Report[](7);
        for (uint8 seat = 0; seat < 7; ++seat) {
            (uint256[] memory observed, uint256[] memory up) = _allUp();
            // Seats 2 to 5 call it up, the others down.
            if (seat < 2 || seat > 5) {
                for (uint256 slot = 0; slot < SLOTS; ++slot) {
                    up[slot] &= ~(1 << liar);
                }
            }
            reports[seat] = _report(PERIOD, members, seat, observed, up);
        }
        vm.recordLogs();
        _post(reports);
        (,, uint256[] memory resultObserved, uint256[] memory resultUp,) =
            abi.decode(vm.getRecordedLogs()[0].data, (uint8, bytes32, uint256[], uint256[], bytes32[]));
        for (uint256 slot = 0; slot < SLOTS; ++slot) {
            assertEq(resultUp[slot] & (1 << liar), 0);
            assertEq(resultObserved[slot] & (1 << liar), 0);
        }
    }
}
