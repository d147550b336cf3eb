// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity =0.8.37;

import {IUptimeLedger} from "../../src/interfaces/IUptimeLedger.sol";
import {Base} from "../Base.t.sol";
import {UptimeBase} from "../UptimeBase.t.sol";
import {GasBase} from "./GasBase.t.sol";

/// @notice A network of 256 operators on the shipped schedule of 24 slots a day.
/// forge-config: default.isolate = true
contract UptimeLedgerGas is GasBase, UptimeBase {
    string private constant GROUP = "UptimeLedger";
    uint256 private constant OPERATORS = 256;

    function setUp() public override(Base, GasBase) {
        super.setUp();
        _registerOperators(OPERATORS);
    }

    function test_PostSevenReports() public {
        _post(0x7f);
        _record(GROUP, "post 7 reports of 24 slots for 256 operators", 520_000);
        _recordEach(GROUP, "post 7 reports, per operator and day", OPERATORS, 2000);
    }

    function test_PostFiveReports() public {
        _post(0x1f);
        _record(GROUP, "post 5 reports of 24 slots for 256 operators", 400_000);
        _recordEach(GROUP, "post 5 reports, per operator and day", OPERATORS, 1600);
    }

    function test_RequestAndDraw() public {
        _warpTo(_periodStart(PERIOD) - PERIOD_SECONDS);
        ledger.requestDraw(PERIOD);
        _record(GROUP, "request a draw", 60_000);
        _mine(3);
        ledger.drawCommittee(PERIOD);
        _record(GROUP, "draw a committee among 256 operators", 200_000);
    }

    /// @dev Random words: real bitmaps have few zero bytes.
    function _post(uint256 seats) private {
        members = _draw(PERIOD);
        words = 1;
        _warpTo(_periodStart(PERIOD + 1));
        IUptimeLedger.Report[] memory reports = _randomReports(1, seats);
        vm.prank(reporter);
        ledger.post(PERIOD, members, reports);
    }
}
